"""What ends a run of the checks.

VerifyError
|- SkipError    something is not on this machine: not a fault of the Terraform
|- CheckError   a check found a fault; carries what the tool printed
"""


class VerifyError(Exception):
    """Base of this package's errors."""


class SkipError(VerifyError):
    """The checks cannot run here; the message says what is missing, and how to get it."""


class CheckError(VerifyError):
    """A check found a fault.

    Args:
        summary: one line.
        output: what the tool printed.
    """

    def __init__(self, summary: str, output: str = "") -> None:
        super().__init__(summary)
        self.output = output

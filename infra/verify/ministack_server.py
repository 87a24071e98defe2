"""ministack with three things mended: run by the interpreter of its environment (`ministack`).

ministack 1.5.33 names the settings of a nested method by its path, where API Gateway keeps the
escaped name that it was given, so that Terraform does not find what it has just set. It runs
functions with its own libraries at hand, so that a zip would not miss what it lacks. And it speaks
HTTP, which our buckets refuse: here what comes over loopback counts as TLS.

It ends with whoever started it: when its standard input ends.
"""
# ruff: noqa: SLF001 - what is mended has no public name

import os
import sys
import threading
from importlib import import_module
from typing import Any


def keep_method_settings_as_named() -> None:
    """Answer `~1api~1events/POST` beside `/api/events/POST`."""
    apigateway: Any = import_module("ministack.services.apigateway_v1")
    patch = apigateway._try_apply_method_settings_patch

    def patch_and_name(stage: dict[str, Any], operation: dict[str, Any]) -> Any:
        patched = patch(stage, operation)
        settings = stage.get("methodSettings", {})
        for name in [name for name in settings if name.startswith("/")]:
            path, _, method = name.rpartition("/")
            settings[f"{path.replace('/', '~1')}/{method}"] = settings[name]
        return patched

    apigateway._try_apply_method_settings_patch = patch_and_name


def run_functions_on_a_bare_interpreter() -> None:
    """Leave functions the standard library and their own zip."""
    runtime: Any = import_module("ministack.core.lambda_runtime")
    bare = os.path.realpath(sys.executable)
    _, script = runtime._detect_runtime_binary("python")
    without_libraries = (
        "import sys\nsys.path = [path for path in sys.path if 'site-packages' not in path]\n"
    )
    runtime._detect_runtime_binary = lambda _: (bare, without_libraries + script)


def take_loopback_for_tls() -> None:
    """Let policies that ask for aws:SecureTransport see it."""
    app: Any = import_module("ministack.app")
    pin = app.pin_request_origin
    app.pin_request_origin = lambda address, _: pin(address, True)  # noqa: FBT003 - theirs


def end_with_the_parent() -> None:
    """Wait until nobody holds the other end of the standard input, and end."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    keep_method_settings_as_named()
    run_functions_on_a_bare_interpreter()
    take_loopback_for_tls()
    import_module("ministack.app").main()

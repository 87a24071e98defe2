"""Proves the Terraform of `infra/` without an AWS account: `python -m infra.verify`, `make infra`.

The steps are in `checks`, in the order in which they run. They work on a copy of `infra/`, so they
leave nothing behind. Terraform needs the AWS provider (`mirror`), and two tools have an environment
of their own (`tools`): checkov and moto's server.
"""

"""Releases a deployed LiveInsight: moves traffic to new versions of the functions, and back.

`python -m infra.release --help`. Terraform makes the functions, their published versions and
aliases; AWS CodeDeploy moves the aliases, a tenth of the traffic first, and back when an alarm
fires. docs/deploy.md says when to use what.
"""

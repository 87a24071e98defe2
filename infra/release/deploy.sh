#!/bin/sh
# `make deploy ENV=dev`, after the packages are built: look what is missing, show the plan, ask, apply it, publish the static
# files, move traffic to the new versions step by step, and try the result.
# AUTO_APPROVE=yes does not ask; SITE names the site that is tried; RELEASE_OPTIONS are those of
# `python -m infra.release deploy`.
set -eu

environment=${1:?name an environment: make deploy ENV=dev}
folder=infra/environments/$environment
python=${RELEASE_PYTHON:-.venv/bin/python}
if [ ! -f "$folder/main.tf" ]; then
    echo "there is no $folder: name an environment, as in make deploy ENV=dev" >&2
    exit 2
fi

# All that is missing at once, before Terraform finds the first of it in the middle of an apply.
"$python" -m infra.release check --environment "$environment"

mkdir -p dist
plan=$PWD/dist/$environment.tfplan
trap 'rm -f "$plan"' EXIT
# Where the state lies is the owner's: docs/deploy.md.
backend=
if [ -f "$folder/backend.hcl" ]; then
    backend=-backend-config=backend.hcl
fi
terraform -chdir="$folder" init -input=false $backend
terraform -chdir="$folder" plan -input=false -out="$plan"
if [ "${AUTO_APPROVE:-}" != yes ]; then
    printf 'Apply this plan to %s? Only "yes" does: ' "$environment"
    read -r answer || answer=
    if [ "$answer" != yes ]; then
        echo "Nothing was changed."
        exit 1
    fi
fi
if ! terraform -chdir="$folder" apply -input=false "$plan"; then
    echo "The apply failed: what is above says where. Mend it, and run make deploy ENV=$environment again:" >&2
    echo "it goes on where it stopped. New versions without traffic harm nobody (docs/runbook.md#a-release-fails)." >&2
    exit 1
fi

"$python" -m infra.release publish --environment "$environment"
# shellcheck disable=SC2086 - several words
if ! "$python" -m infra.release deploy --environment "$environment" ${RELEASE_OPTIONS:-}; then
    echo "The release failed: docs/runbook.md#a-release-fails" >&2
    exit 1
fi
if ! "$python" -m infra.release smoke --environment "$environment" ${SITE:+--site "$SITE"}; then
    echo "The smoke test failed. To go back: make rollback ENV=$environment" >&2
    exit 1
fi

"""moto's server with what an apply and a destroy of ours need besides.

Run by the interpreter of the tools (`tools`). moto 5.2.5 forgets the cache keys of an API Gateway
integration, and cannot delete what CodeDeploy made: Terraform would ask for either again and again.
"""

import sys
from typing import Any

from moto.apigateway.models import APIGatewayBackend
from moto.apigateway.responses import APIGatewayResponse
from moto.codedeploy.responses import CodeDeployResponse
from moto.core.responses import ActionResult
from moto.server import main

_put_integration = APIGatewayResponse.put_integration
_stored = APIGatewayBackend.put_integration


def put_integration(self: APIGatewayResponse) -> Any:
    """Take an integration with its cache keys."""
    keys = self._get_param("cacheKeyParameters") or []

    def stored(*args: Any, **kwargs: Any) -> Any:
        integration = _stored(self.backend, *args, **kwargs)
        integration.cache_key_parameters = keys
        return integration

    self.backend.put_integration = stored  # type: ignore[method-assign]
    try:
        return _put_integration(self)
    finally:
        del self.backend.put_integration


def delete_deployment_group(self: CodeDeployResponse) -> ActionResult:
    """Delete a deployment group."""
    groups = self.codedeploy_backend.deployment_groups[self._get_param("applicationName")]
    groups.pop(self._get_param("deploymentGroupName"), None)
    return ActionResult({"hooksNotCleanedUp": []})


def delete_application(self: CodeDeployResponse) -> ActionResult:
    """Delete an application."""
    self.codedeploy_backend.applications.pop(self._get_param("applicationName"), None)
    return ActionResult({})


APIGatewayResponse.put_integration = put_integration  # type: ignore[method-assign]
CodeDeployResponse.delete_deployment_group = delete_deployment_group  # type: ignore[attr-defined]
CodeDeployResponse.delete_application = delete_application  # type: ignore[attr-defined]

if __name__ == "__main__":
    main(sys.argv[1:])

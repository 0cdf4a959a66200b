"""What kubectl tells people of their mistakes is what it tells them before a real API server (recorded, v1.37.2)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.sandbox.api.test_tools import Tools, _tool, tools

__all__ = ["tools"]  # The fixture.
pytestmark = [pytest.mark.tools, pytest.mark.timeout(180)]

GOOD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "web:1"}
"""
UNKNOWN = GOOD.replace("replicas:", "replica:").replace('"web:1"', '"web:1", imagePullSecret: x')
MISTYPED = GOOD.replace("replicas: 2", "replicas: many")
HIDING = GOOD.replace('"web:1"', '"web:1", env: [{name: A, value: b}, {name: A, value: c}]')
CANNOT = 'Deployment in version "v1" cannot be handled as a Deployment:'
UNKNOWN_TEXT = (
    f'{CANNOT} strict decoding error: unknown field "spec.replica", '
    'unknown field "spec.template.spec.containers[0].imagePullSecret"'
)
MISTYPED_TEXT = (
    f"{CANNOT} json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
)
BAD_HOST = (
    'spec.rules[0].host: Invalid value: "Host": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric '
    "characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    r"validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of kubectl: its arguments, what it reads, the exit code, what it says (stdout, then stderr)."""

    arguments: str
    given: str = ""
    code: int = 1
    said: str


CALLS = [
    Call(
        arguments="create --validate=strict -f -",
        given=UNKNOWN,
        said=f'Error from server (BadRequest): error when creating "STDIN": {UNKNOWN_TEXT}',
    ),
    Call(
        arguments="create --validate=warn --dry-run=server -f -",
        given=UNKNOWN,
        code=0,
        said='deployment.apps/web created (server dry run)\nWarning: unknown field "spec.replica"\n'
        'Warning: unknown field "spec.template.spec.containers[0].imagePullSecret"',
    ),
    Call(
        arguments="create --validate=ignore --dry-run=server -f -",
        given=UNKNOWN,
        code=0,
        said="deployment.apps/web created (server dry run)",
    ),
    Call(
        arguments="apply -f -",
        given=UNKNOWN,
        said=f'Error from server (BadRequest): error when creating "STDIN": {UNKNOWN_TEXT}',
    ),
    Call(
        arguments="create -f -",
        given=MISTYPED,
        said=f'Error from server (BadRequest): error when creating "STDIN": {MISTYPED_TEXT}',
    ),
    Call(
        arguments="apply -f -",
        given=GOOD.replace("replicas: 2", "replicas: -2"),
        said='The Deployment "web" is invalid: spec.replicas: Invalid value: -2: must be greater than or equal to 0',
    ),
    Call(
        arguments="apply -f -",
        given=HIDING,
        code=0,
        said="deployment.apps/web created\nWarning: spec.template.spec.containers[0].env[1]: hides previous definition of "
        '"A", which may be dropped when using apply',
    ),
    Call(
        arguments="apply -f -",
        given=HIDING.replace("app: web", "app: other"),
        said='The Deployment "web" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: '
        "field is immutable",
    ),
    Call(
        arguments='patch deployment web --type=merge -p {"spec":{"replica":3}}',
        code=0,
        said='deployment.apps/web patched (no change)\nWarning: unknown field "spec.replica"',
    ),
    Call(
        arguments='patch deployment web --type=merge -p {"spec":{"template":{"spec":{"containers":[]}}}}',
        said='The Deployment "web" is invalid: spec.template.spec.containers: Required value',
    ),
    Call(
        arguments="expose deployment web --port=0 --name=other",
        said='The Service "other" is invalid: \n'
        "* spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive\n"
        "* spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
    ),
    Call(
        arguments="create cronjob c --image=a --schedule=@always",
        said='error: failed to create cronjob: CronJob.batch "c" is invalid: spec.schedule: Invalid value: "@always": '
        "unrecognized descriptor: @always",
    ),
    Call(
        arguments="create ingress i --rule=Host/=svc:80",
        said=f'error: failed to create ingress: Ingress.networking.k8s.io "i" is invalid: {BAD_HOST}',
    ),
    Call(
        arguments="create poddisruptionbudget p --selector=app=web --min-available=120%",
        said='error: failed to create poddisruptionbudgets: PodDisruptionBudget.policy "p" is invalid: '
        'spec.minAvailable: Invalid value: "120%": must not be greater than 100%',
    ),
    Call(arguments="explain nothing", said='the server doesn\'t have a resource type "nothing"'),
    Call(
        arguments="explain deployment.spec.nothing",
        said='GROUP:      apps\nKIND:       Deployment\nVERSION:    v1\n\nerror: field "nothing" does not exist',
    ),
]


async def test_kubectl_says_what_it_says_before_a_real_server(tools: Tools) -> None:
    answers = []
    for call in CALLS:
        code, out, err = await tools.attempt(_tool("kubectl"), *call.arguments.split(), stdin=call.given)
        answers.append((call.arguments, code, _settled((out + err).strip())))

    assert answers == [(call.arguments, call.code, _settled(call.said)) for call in CALLS]


def _settled(said: str) -> str:
    """Without what depends on whether a controller wrote a status between kubectl's reading and its patch."""
    return said.replace(" patched (no change)", " patched")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cronjob.spec.schedule", "The schedule in Cron format"),
        ("pod.spec.containers.livenessProbe.httpGet", "FIELD: httpGet <HTTPGetAction>"),
        ("pvc.spec.resources --recursive", "requests\t<map[string]Quantity>"),
        ("hpa --api-version=autoscaling/v2", "VERSION:    v2"),
    ],
)
async def test_kubectl_explains_fields(tools: Tools, path: str, text: str) -> None:
    assert text in await tools.kubectl("explain", *path.split())

"""Argo CD's build variables (`$ARGOCD_APP_NAME`…), put in where a source uses them.

They are put in before the key of a render is made, so that the revision counts for those sources alone that show it.
see: argoproj/argo-cd `docs/user-guide/build-environment.md`, `util/helm`, `util/kustomize`, `Env.Envsubst` (3.6).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from typing import Any

from haori.delivery.model.application import Source
from haori.delivery.render.errors import RenderError
from haori.delivery.render.request import RenderRequest

_VARIABLE = re.compile(r"\$(?:(\$)|\{([^}]*)\}|([A-Za-z0-9_]+))")
_REFERENCE = re.compile(r"\$([^/{$]+)/")


def build_variables(request: RenderRequest) -> dict[str, str]:
    """The variables by name."""
    revision, source, context = request.tree.commit, request.source, request.context
    return {
        "ARGOCD_APP_NAME": context.name,
        "ARGOCD_APP_NAMESPACE": context.namespace,
        "ARGOCD_APP_PROJECT_NAME": request.project,
        "ARGOCD_APP_REVISION": revision,
        "ARGOCD_APP_REVISION_SHORT": revision[:7],
        "ARGOCD_APP_REVISION_SHORT_8": revision[:8],
        "ARGOCD_APP_SOURCE_PATH": source.path,
        "ARGOCD_APP_SOURCE_REPO_URL": source.repo_url,
        "ARGOCD_APP_SOURCE_TARGET_REVISION": source.target_revision,
        "KUBE_VERSION": context.kube_version,
        "KUBE_API_VERSIONS": ",".join(context.api_versions),
    }


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """`text` with `$NAME` and `${NAME}` replaced (by nothing where unknown, as Argo CD does) and `$$` as one `$`."""
    return _VARIABLE.sub(lambda match: "$" if match[1] else variables.get(match[2] or match[3] or "", ""), text)


def put_variables(request: RenderRequest) -> Source:
    """The source with its variables put in: Helm parameters and paths, Jsonnet's variables, Kustomize images, common labels
    and, where asked for (`commonAnnotationsEnvsubst`), annotations.

    Raises RenderError for a value file of a `ref` that no source carries.
    """
    variables = build_variables(request)

    def put(value: Any) -> str:
        return substitute(str(value), variables)

    source = request.source
    if source.helm:
        source = replace(source, helm=_put_helm(source.helm, put, request.references, variables))
    if source.directory and isinstance(source.directory.get("jsonnet"), Mapping):
        source = replace(source, directory=_put_jsonnet(source.directory, put))
    if source.kustomize:
        source = replace(source, kustomize=_put_kustomize(source.kustomize, put))
    return source


def _put_helm(
    options: Mapping[str, Any], put: Callable[[Any], str], references: Container[str], variables: Container[str]
) -> Mapping[str, Any]:
    changed = dict(options)

    def put_path(text: str) -> str:
        ref = _REFERENCE.match(text)
        if ref is None or ref[1] in variables:
            return put(text)
        if ref[1] not in references:
            raise RenderError("render-ref-missing", path=text, ref=ref[1])
        return text

    if options.get("parameters"):
        changed["parameters"] = [{**item, "value": put(item.get("value", ""))} for item in options["parameters"]]
    if options.get("fileParameters"):
        files = options["fileParameters"]
        changed["fileParameters"] = [{**item, "path": put_path(str(item.get("path", "")))} for item in files]
    if options.get("valueFiles"):
        changed["valueFiles"] = [put_path(str(text)) for text in options["valueFiles"]]
    return changed


def _put_kustomize(options: Mapping[str, Any], put: Callable[[Any], str]) -> Mapping[str, Any]:
    changed = dict(options)
    if isinstance(options.get("images"), list):
        changed["images"] = [put(image) for image in options["images"]]
    if isinstance(options.get("commonLabels"), Mapping):
        changed["commonLabels"] = {name: put(value) for name, value in options["commonLabels"].items()}
    if options.get("commonAnnotationsEnvsubst") and options.get("commonAnnotations"):
        changed["commonAnnotations"] = {name: put(value) for name, value in options["commonAnnotations"].items()}
    return changed


def _put_jsonnet(options: Mapping[str, Any], put: Callable[[Any], str]) -> Mapping[str, Any]:
    jsonnet = dict(options["jsonnet"])
    for name in ("extVars", "tlas"):
        if isinstance(jsonnet.get(name), list):
            jsonnet[name] = [
                {**item, "value": put(item.get("value") or "")} if isinstance(item, Mapping) else item
                for item in jsonnet[name]
            ]
    return {**options, "jsonnet": jsonnet}

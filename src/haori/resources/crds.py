"""The definitions of Application, AppProject and ApplicationSet, written by us after Argo CD's documented fields.

Structural schemas that name the fields with their types and keep what they do not know (`preserve`): an object made for
a newer Argo CD is never cut. That keeps the three definitions at a few dozen kilobytes, where Argo's own are 1.8 MB. No
status subresource, as in Argo CD: one patch carries annotation, operation and status.
"""

from __future__ import annotations

from typing import Any

from haori.resources import argo

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "integer", "format": "int64"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_ANY: Schema = {"x-kubernetes-preserve-unknown-fields": True}


def _record(required: tuple[str, ...] = (), **fields: Schema) -> Schema:
    schema: Schema = {"type": "object", "properties": fields, "x-kubernetes-preserve-unknown-fields": True}
    if required:
        schema["required"] = list(required)
    return schema


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


_TEXTS = _list(_TEXT)
_NAMED_VALUE = _record(name=_TEXT, value=_TEXT)
_GROUP_KIND = _record(("group", "kind"), group=_TEXT, kind=_TEXT, name=_TEXT)
_INT_OR_TEXT: Schema = {"x-kubernetes-int-or-string": True}


def _source() -> Schema:
    return _record(
        ("repoURL",),
        repoURL=_TEXT,
        targetRevision=_TEXT,
        path=_TEXT,
        chart=_TEXT,
        ref=_TEXT,
        name=_TEXT,
        directory=_record(recurse=_FLAG, include=_TEXT, exclude=_TEXT, jsonnet=_record()),
        helm=_record(
            releaseName=_TEXT,
            values=_TEXT,
            valuesObject=_ANY,
            valueFiles=_TEXTS,
            version=_TEXT,
            namespace=_TEXT,
            parameters=_list(_record(name=_TEXT, value=_TEXT, forceString=_FLAG)),
            fileParameters=_list(_record(name=_TEXT, path=_TEXT)),
            skipCrds=_FLAG,
            skipTests=_FLAG,
            skipSchemaValidation=_FLAG,
            passCredentials=_FLAG,
            ignoreMissingValueFiles=_FLAG,
            kubeVersion=_TEXT,
            apiVersions=_TEXTS,
        ),
        kustomize=_record(
            namePrefix=_TEXT,
            nameSuffix=_TEXT,
            namespace=_TEXT,
            images=_TEXTS,
            version=_TEXT,
            kubeVersion=_TEXT,
            commonLabels=_map(_TEXT),
            commonAnnotations=_map(_TEXT),
            components=_TEXTS,
            apiVersions=_TEXTS,
            forceCommonLabels=_FLAG,
            forceCommonAnnotations=_FLAG,
            commonAnnotationsEnvsubst=_FLAG,
            labelWithoutSelector=_FLAG,
            labelIncludeTemplates=_FLAG,
            ignoreMissingComponents=_FLAG,
            replicas=_list(_record(("name", "count"), name=_TEXT, count=_INT_OR_TEXT)),
            patches=_list(_record(path=_TEXT, patch=_TEXT)),
        ),
        plugin=_record(name=_TEXT, env=_list(_NAMED_VALUE), parameters=_list(_record(name=_TEXT))),
    )


def _sync_request() -> Schema:
    return _record(
        revision=_TEXT,
        revisions=_TEXTS,
        prune=_FLAG,
        dryRun=_FLAG,
        syncOptions=_TEXTS,
        manifests=_TEXTS,
        selfHealAttemptsCount=_NUMBER,
        source=_source(),
        sources=_list(_source()),
        resources=_list(_record(("kind", "name"), group=_TEXT, kind=_TEXT, name=_TEXT, namespace=_TEXT)),
        syncStrategy=_record(apply=_record(force=_FLAG), hook=_record(force=_FLAG)),
    )


def _retry() -> Schema:
    backoff = _record(duration=_TEXT, factor=_NUMBER, maxDuration=_TEXT)
    return _record(limit=_NUMBER, refresh=_FLAG, backoff=backoff)


def _operation() -> Schema:
    return _record(
        sync=_sync_request(),
        retry=_retry(),
        info=_list(_NAMED_VALUE),
        initiatedBy=_record(username=_TEXT, automated=_FLAG),
    )


_DESTINATION = _record(server=_TEXT, name=_TEXT, namespace=_TEXT)
_IGNORE_DIFFERENCES = _list(
    _record(
        ("kind",),
        group=_TEXT,
        kind=_TEXT,
        name=_TEXT,
        namespace=_TEXT,
        jsonPointers=_TEXTS,
        jqPathExpressions=_TEXTS,
        managedFieldsManagers=_TEXTS,
    )
)


def _application_spec() -> Schema:
    return _record(
        ("destination", "project"),
        project=_TEXT,
        source=_source(),
        sources=_list(_source()),
        destination=_DESTINATION,
        sourceHydrator=_record(),
        info=_list(_NAMED_VALUE),
        revisionHistoryLimit=_NUMBER,
        ignoreDifferences=_IGNORE_DIFFERENCES,
        syncPolicy=_record(
            automated=_record(prune=_FLAG, selfHeal=_FLAG, allowEmpty=_FLAG, enabled=_FLAG),
            syncOptions=_TEXTS,
            retry=_retry(),
            managedNamespaceMetadata=_record(labels=_map(_TEXT), annotations=_map(_TEXT)),
        ),
    )


def _application_status() -> Schema:
    """What an engine says of an Application: one value with one writer, of which the outer shape is checked.

    The server goes through every field that a schema names, three times a write (types, pruning, owners), and an engine
    writes a status for each look at an application: with every field named a patch costs it nearly twice the time
    (docs/performance.md). Who reads a status takes nothing inside it for granted.
    """
    rows = _list(_record())
    status = _record(
        sync=_record(status=_TEXT, revision=_TEXT),
        health=_record(status=_TEXT, message=_TEXT, lastTransitionTime=_TIME),
        operationState=_record(phase=_TEXT, message=_TEXT),
        resources=rows,
        history=rows,
        conditions=rows,
        summary=_record(),
        reconciledAt=_TIME,
        sourceType=_TEXT,
        resourceHealthSource=_TEXT,
    )
    return {**status, "x-kubernetes-map-type": "atomic"}


def _project_spec() -> Schema:
    window = _record(
        kind=_TEXT,
        schedule=_TEXT,
        duration=_TEXT,
        applications=_TEXTS,
        namespaces=_TEXTS,
        clusters=_TEXTS,
        manualSync=_FLAG,
        timeZone=_TEXT,
        andOperator=_FLAG,
        syncOverrun=_FLAG,
        description=_TEXT,
    )
    role = _record(name=_TEXT, description=_TEXT, policies=_TEXTS, groups=_TEXTS, jwtTokens=_list(_record()))
    return _record(
        description=_TEXT,
        sourceRepos=_TEXTS,
        sourceNamespaces=_TEXTS,
        destinations=_list(_DESTINATION),
        clusterResourceWhitelist=_list(_GROUP_KIND),
        clusterResourceBlacklist=_list(_GROUP_KIND),
        namespaceResourceWhitelist=_list(_GROUP_KIND),
        namespaceResourceBlacklist=_list(_GROUP_KIND),
        orphanedResources=_record(warn=_FLAG, ignore=_list(_record(group=_TEXT, kind=_TEXT, name=_TEXT))),
        roles=_list(role),
        syncWindows=_list(window),
        signatureKeys=_list(_record(keyID=_TEXT)),
        permitOnlyProjectScopedClusters=_FLAG,
        destinationServiceAccounts=_list(_record(server=_TEXT, namespace=_TEXT, defaultServiceAccount=_TEXT)),
    )


def _application_set_spec() -> Schema:
    return _record(
        ("generators", "template"),
        generators=_list(_record()),
        template=_record(metadata=_record(), spec=_record()),
        templatePatch=_TEXT,
        goTemplate=_FLAG,
        goTemplateOptions=_TEXTS,
        applyNestedSelectors=_FLAG,
        strategy=_record(),
        syncPolicy=_record(preserveResourcesOnDeletion=_FLAG, applicationsSync=_TEXT),
        preservedFields=_record(annotations=_TEXTS, labels=_TEXTS),
        ignoreApplicationDifferences=_list(_record()),
    )


def _definition(kind: str, plural: str, short: list[str], schema: Schema, columns: list[dict[str, Any]]) -> Schema:
    properties = {"apiVersion": _TEXT, "kind": _TEXT, "metadata": {"type": "object"}, **schema["properties"]}
    version: dict[str, Any] = {
        "name": argo.ARGO_VERSION,
        "served": True,
        "storage": True,
        "subresources": {},
        "schema": {"openAPIV3Schema": {**schema, "properties": properties}},
    }
    if columns:
        version["additionalPrinterColumns"] = columns
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{argo.ARGO_GROUP}",
            "labels": {"app.kubernetes.io/name": f"{plural}.{argo.ARGO_GROUP}", "app.kubernetes.io/part-of": "argocd"},
        },
        "spec": {
            "group": argo.ARGO_GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": short,
            },
            "versions": [version],
        },
    }


def _object(required: tuple[str, ...] = (), **fields: Schema) -> Schema:
    schema: Schema = {"type": "object", "properties": fields}
    if required:
        schema["required"] = list(required)
    return schema


def _column(name: str, path: str, priority: int = 0) -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "type": "string", "jsonPath": path}
    return {**column, "priority": priority} if priority else column


def crds() -> list[dict[str, Any]]:
    """The three CustomResourceDefinitions, fresh mappings every time."""
    application = _object(
        ("metadata", "spec"), spec=_application_spec(), status=_application_status(), operation=_operation()
    )
    columns = [
        _column("Sync Status", ".status.sync.status"),
        _column("Health Status", ".status.health.status"),
        _column("Revision", ".status.sync.revision", 10),
        _column("Project", ".spec.project", 10),
    ]
    project = _object(("metadata", "spec"), spec=_project_spec(), status=_record())
    application_set = _object(("metadata", "spec"), spec=_application_set_spec(), status=_record())
    return [
        _definition(argo.APPLICATION, "applications", ["app", "apps"], application, columns),
        _definition(argo.PROJECT, "appprojects", ["appproj", "appprojs"], project, []),
        _definition(argo.APPLICATION_SET, "applicationsets", ["appset", "appsets"], application_set, []),
    ]


def default_project(namespace: str = argo.CONTROL_NAMESPACE) -> dict[str, Any]:
    """The project `default`, which permits everything."""
    return {
        "apiVersion": argo.API_VERSION,
        "kind": argo.PROJECT,
        "metadata": {"name": argo.DEFAULT_PROJECT, "namespace": namespace},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    }

"""Where a cluster is and who we are there, read from kubeconfig files or from the Pod we run in.

Files are merged as kubectl merges them: the first file that names a cluster, user, context or current-context wins,
and relative paths are relative to the file that holds them. Reading gives one value; nothing is dialled here, and the
credentials that change (token files, exec plugins) are left to `credentials`.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from haori.cluster.errors import KubeconfigError
from haori.errors import HaoriError
from haori.objects.yaml import load_documents

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecPlugin:
    """A program that prints an ExecCredential (`client.authentication.k8s.io`)."""

    command: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    api_version: str
    provide_cluster_info: bool = False
    install_hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """One cluster and one user of it. Secret fields never appear in its repr."""

    name: str
    server: str
    namespace: str = "default"
    certificate_authority: bytes | None = None
    """PEM; None means the system's authorities."""
    insecure: bool = False
    tls_server_name: str = ""
    proxy_url: str = field(default="", repr=False)
    client_certificate: bytes | None = field(default=None, repr=False)
    client_key: bytes | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    exec_plugin: ExecPlugin | None = field(default=None, repr=False)
    impersonate: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """HTTP headers of impersonation."""


def load_settings(
    kubeconfig: Path | str | None = None,
    context: str = "",
    *,
    environ: Mapping[str, str] | None = None,
    service_account: Path = SERVICE_ACCOUNT,
) -> ClusterSettings:
    """The settings for a context, from the file given, else KUBECONFIG's list, else ~/.kube/config, else the Pod's own.

    Raises KubeconfigError.
    """
    environ = os.environ if environ is None else environ
    if kubeconfig is not None:
        return read_kubeconfig([Path(kubeconfig)], context)
    listed = [Path(path) for path in environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    if listed:
        return read_kubeconfig(listed, context)
    default = Path(environ.get("HOME", "/")) / ".kube" / "config"
    if not default.exists() and environ.get("KUBERNETES_SERVICE_HOST"):
        return in_cluster_settings(environ, service_account)
    return read_kubeconfig([default], context)


def in_cluster_settings(environ: Mapping[str, str], folder: Path = SERVICE_ACCOUNT) -> ClusterSettings:
    """The settings of the Pod we run in; its token is read again as it is rotated."""
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT", "443")
    namespace = folder / "namespace"
    return ClusterSettings(
        name="in-cluster",
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        namespace=_read(namespace).decode() if namespace.exists() else "default",
        certificate_authority=_read(folder / "ca.crt"),
        token_file=folder / "token",
    )


def context_names(kubeconfig: Path | str | None = None, environ: Mapping[str, str] | None = None) -> list[str]:
    """The contexts of the files that `load_settings` would read, sorted. Raises KubeconfigError."""
    environ = os.environ if environ is None else environ
    listed = [Path(path) for path in environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    paths = [Path(kubeconfig)] if kubeconfig else listed or [Path(environ.get("HOME", "/")) / ".kube" / "config"]
    return sorted(_merge([path for path in paths if path.exists()])["contexts"])


def read_kubeconfig(paths: Sequence[Path], context: str = "") -> ClusterSettings:
    """The settings of `context` (default: current-context) in the merged files; absent files are passed over."""
    existing = [path for path in paths if path.exists()]
    if not existing:
        raise KubeconfigError("kubeconfig-unreadable", path=str(paths[0]), problem="no such file")
    merged = _merge(existing)
    wanted = context or str(merged.get("current-context") or "")
    entry = merged["contexts"].get(wanted)
    if entry is None:
        raise KubeconfigError("kubeconfig-context-unknown", name=wanted, known=sorted(merged["contexts"]))
    chosen, _ = entry
    cluster, cluster_folder = merged["clusters"].get(chosen.get("cluster"), ({}, Path()))
    user, user_folder = merged["users"].get(chosen.get("user"), ({}, Path()))
    if not cluster.get("server"):
        raise KubeconfigError("kubeconfig-incomplete", name=wanted, missing="cluster.server")
    return ClusterSettings(
        name=wanted,
        server=str(cluster["server"]).rstrip("/"),
        namespace=str(chosen.get("namespace") or "default"),
        certificate_authority=_data_or_file(cluster, "certificate-authority", cluster_folder),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=str(cluster.get("tls-server-name") or ""),
        proxy_url=str(cluster.get("proxy-url") or ""),
        **_user_settings(user, user_folder),
    )


def _user_settings(user: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    token_file = user.get("tokenFile")
    return {
        "client_certificate": _data_or_file(user, "client-certificate", folder),
        "client_key": _data_or_file(user, "client-key", folder),
        "token": str(user.get("token") or ""),
        "token_file": folder / str(token_file) if token_file else None,
        "username": str(user.get("username") or ""),
        "password": str(user.get("password") or ""),
        "exec_plugin": _exec_plugin(user.get("exec"), folder),
        "impersonate": _impersonation(user),
    }


def _exec_plugin(entry: Mapping[str, Any] | None, folder: Path) -> ExecPlugin | None:
    if not entry:
        return None
    command = str(entry.get("command") or "")
    if "/" in command and not command.startswith("/"):
        command = str(folder / command)
    return ExecPlugin(
        command=command,
        arguments=tuple(str(each) for each in entry.get("args") or ()),
        environment={str(each["name"]): str(each.get("value") or "") for each in entry.get("env") or ()},
        api_version=str(entry.get("apiVersion") or "client.authentication.k8s.io/v1"),
        provide_cluster_info=bool(entry.get("provideClusterInfo")),
        install_hint=str(entry.get("installHint") or "").strip(),
    )


def _impersonation(user: Mapping[str, Any]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    if user.get("as"):
        headers["Impersonate-User"] = [str(user["as"])]
    if user.get("as-uid"):
        headers["Impersonate-Uid"] = [str(user["as-uid"])]
    if user.get("as-groups"):
        headers["Impersonate-Group"] = [str(group) for group in user["as-groups"]]
    for name, values in (user.get("as-user-extra") or {}).items():
        headers[f"Impersonate-Extra-{name}"] = [str(value) for value in values]
    return headers


def _merge(paths: Sequence[Path]) -> dict[str, Any]:
    merged: dict[str, Any] = {"clusters": {}, "users": {}, "contexts": {}, "current-context": ""}
    for path in paths:
        document = _document(path)
        merged["current-context"] = merged["current-context"] or document.get("current-context") or ""
        for section, field_name in (("clusters", "cluster"), ("users", "user"), ("contexts", "context")):
            for entry in document.get(section) or ():
                name = str(entry.get("name") or "")
                merged[section].setdefault(name, (entry.get(field_name) or {}, path.absolute().parent))
    return merged


def _document(path: Path) -> Mapping[str, Any]:
    try:
        documents = load_documents(_read(path), source=str(path))
    except HaoriError as error:
        raise KubeconfigError("kubeconfig-unreadable", path=str(path), problem=str(error)) from error
    if not documents:
        return {}
    if not isinstance(documents[0], Mapping):
        raise KubeconfigError("kubeconfig-unreadable", path=str(path), problem="not a mapping")
    return documents[0]


def _data_or_file(entry: Mapping[str, Any], name: str, folder: Path) -> bytes | None:
    if data := entry.get(f"{name}-data"):
        try:
            return base64.b64decode(str(data), validate=False)
        except binascii.Error as error:
            raise KubeconfigError("kubeconfig-incomplete", name=name, missing=f"{name}-data") from error
    return _read(folder / str(entry[name])) if entry.get(name) else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KubeconfigError("kubeconfig-unreadable", path=str(path), problem=error.strerror or "") from error

"""Reviews: questions to the API that are answered and forgotten (may I, may they, who am I, whose token is this).

see: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from haori.objects import copy_manifest, nested_list, nested_mapping, nested_text
from haori.sandbox.api import errors
from haori.sandbox.api.authorization import Authorizer
from haori.sandbox.api.options import Attributes, User
from haori.sandbox.api.registry import ServedType

UserOfToken = Callable[[str, tuple[str, ...]], User | None]
"""The user of a token for one of the audiences (none: the API's own), None where it is not valid."""


def answer(
    authorizer: Authorizer,
    user: User,
    type_: ServedType,
    body: Any,
    namespace: str,
    user_of_token: UserOfToken | None = None,
) -> dict[str, Any]:
    """The review with its status. Raises a 400 for what is no review."""
    if not isinstance(body, Mapping):
        raise errors.bad_request("a review must be an object")
    value: dict[str, Any] = copy_manifest(body)
    value |= {"apiVersion": type_.api_version, "kind": type_.kind}
    value.setdefault("metadata", {})
    spec = nested_mapping(value, "spec")
    match type_.kind:
        case "SelfSubjectAccessReview":
            value["status"] = _access(authorizer, user, spec)
        case "SubjectAccessReview":
            value["status"] = _access(authorizer, _subject(spec), spec)
        case "LocalSubjectAccessReview":
            if nested_text(spec, "resourceAttributes", "namespace") != namespace:
                raise errors.bad_request("spec.resourceAttributes.namespace must be the namespace of the request")
            value["status"] = _access(authorizer, _subject(spec), spec)
        case "SelfSubjectReview":
            value["status"] = {"userInfo": _user_info(user)}
        case "SelfSubjectRulesReview":
            value["status"] = _rules(authorizer, user, nested_text(spec, "namespace"))
        case "TokenReview":
            value["status"] = _token(spec, user_of_token)
        case _:
            raise errors.method_not_allowed()
    return value


def _access(authorizer: Authorizer, user: User, spec: Mapping[str, Any]) -> dict[str, Any]:
    path, asked = nested_mapping(spec, "nonResourceAttributes"), nested_mapping(spec, "resourceAttributes")
    if bool(path) is bool(asked):
        problem = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        cause = errors.invalid_field("spec", f"Invalid value: null: {problem}")
        raise errors.invalid("", "authorization.k8s.io", "", [cause])
    if path:
        allowed = authorizer.allows_path(user, nested_text(path, "verb"), nested_text(path, "path"))
        return {"allowed": allowed}
    attributes = Attributes(
        verb=nested_text(asked, "verb"),
        group=nested_text(asked, "group"),
        resource=nested_text(asked, "resource"),
        subresource=nested_text(asked, "subresource"),
        namespace=nested_text(asked, "namespace"),
        name=nested_text(asked, "name"),
    )
    why = authorizer.why(user, attributes)
    return {"allowed": why is not None} | ({"reason": why} if why else {})


def _subject(spec: Mapping[str, Any]) -> User:
    return User(name=nested_text(spec, "user"), groups=tuple(nested_list(spec, "groups")), uid=nested_text(spec, "uid"))


def _user_info(user: User) -> dict[str, Any]:
    value: dict[str, Any] = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        value["uid"] = user.uid
    if user.extra:
        value["extra"] = {key: list(values) for key, values in user.extra.items()}
    return value


def _rules(authorizer: Authorizer, user: User, namespace: str) -> dict[str, Any]:
    resource_rules, path_rules = [], []
    for rule, _ in authorizer.rules_of(user, namespace):
        if paths := nested_list(rule, "nonResourceURLs"):
            path_rules.append({"nonResourceURLs": list(paths), "verbs": list(nested_list(rule, "verbs"))})
        else:
            names = ("verbs", "apiGroups", "resources", "resourceNames")
            resource_rules.append({name: list(rule[name]) for name in names if name in rule})
    return {"resourceRules": resource_rules, "nonResourceRules": path_rules, "incomplete": False}


def _token(spec: Mapping[str, Any], user_of_token: UserOfToken | None) -> dict[str, Any]:
    audiences = tuple(str(each) for each in nested_list(spec, "audiences"))
    user = user_of_token(nested_text(spec, "token"), audiences) if user_of_token else None
    if user is None:
        return {"user": {}, "error": "invalid bearer token"}
    return {"authenticated": True, "user": _user_info(user)} | ({"audiences": list(audiences)} if audiences else {})

"""Argo CD's RBAC, rule by rule (docs/operator-manual/rbac.md and docs/user-guide/projects.md of 3.x)."""

from typing import Any

import pytest

from haori.access import Identity, MatchMode, Policy, PolicySettings, parse_project, parse_settings


def somebody(subject="alice", *groups, **more):
    return Identity(subject=subject, groups=groups, issuer=more.pop("issuer", "local"), **more)


def may(policy, identity, request):
    """`request`: "RESOURCE ACTION OBJECT"."""
    return policy.decide(identity, *request.split()).allowed


@pytest.mark.parametrize(
    ("lines", "request_", "expected"),
    [
        pytest.param("", "applications get shop/web", False, id="nobody may anything by themselves"),
        pytest.param("p, alice, applications, get, shop/*, allow", "applications get shop/web", True, id="named"),
        pytest.param(
            "p, bob, applications, get, shop/*, allow", "applications get shop/web", False, id="another is named"
        ),
        pytest.param(
            "p, ali*, applications, get, */*, allow", "applications get shop/web", False, id="no glob in names"
        ),
        pytest.param(
            "p, alice, applications, get, shop/*, allow", "applications get ops/web", False, id="other project"
        ),
        pytest.param("p, alice, applications, *, shop/*, allow", "applications sync shop/web", True, id="any action"),
        pytest.param("p, alice, *, get, *, allow", "clusters get https://c", True, id="any resource"),
        pytest.param(
            "p, alice, applications, get, shop/web, allow", "applications get shop/ns/web", False, id="namespace"
        ),
        pytest.param(
            "p, alice, applications, get, */ns/*, allow", "applications get shop/ns/web", True, id="by namespace"
        ),
        pytest.param(
            "p, alice, applications, get, */ns/*, allow", "applications get shop/web", False, id="not control"
        ),
        pytest.param("p, alice, applications, get, *, allow", "logs get shop/web", False, id="logs are their own"),
        pytest.param("p, alice, applications, update, */*, allow", "exec create shop/web", False, id="exec is its own"),
        pytest.param(
            'p, alice, applications, "{get,sync}", shop/*, allow', "applications sync shop/a", True, id="quoted"
        ),
        pytest.param("# p, alice, *, *, *, allow", "applications get shop/web", False, id="comment"),
        pytest.param("  p,alice ,applications,get,*/*,allow  ", "applications get shop/web", True, id="spaces"),
    ],
)
def test_lines_that_allow(lines, request_, expected):
    assert may(Policy.parse(lines), somebody(), request_) is expected


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["{allow}", "{deny}"], id="deny last"),
        pytest.param(["{deny}", "{allow}"], id="deny first"),
        pytest.param(["{wide_deny}", "{allow}"], id="the narrower allow does not win"),
        pytest.param(
            ["g, alice, role:a", "g, role:a, role:b", "{allow}", "p, role:b, *, *, *, deny"], id="far role denies"
        ),
        pytest.param(["g, alice, role:admin", "{deny}"], id="against a built-in role"),
    ],
)
def test_deny_wins_over_any_allow_of_the_same_subject(lines):
    named = {
        "allow": "p, alice, applications, delete, shop/web, allow",
        "deny": "p, alice, applications, delete, shop/*, deny",
        "wide_deny": "p, alice, applications, *, */*, deny",
    }
    policy = Policy.parse("\n".join(line.format(**named) for line in lines))
    decision = policy.decide(somebody(), "applications", "delete", "shop/web")
    assert not decision.allowed
    assert decision.rule.endswith("deny")


def test_the_default_role_cannot_be_denied():
    policy = Policy.parse("p, alice, applications, get, */*, deny", "role:readonly")
    assert may(policy, somebody(), "applications get shop/web")


def test_the_user_and_each_group_are_asked_by_themselves():
    policy = Policy.parse("p, alice, applications, get, */*, deny\np, devs, applications, get, */*, allow")
    assert may(policy, somebody("alice", "devs"), "applications get shop/web")
    assert not may(policy, somebody("alice"), "applications get shop/web")


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("", False),
        ("g, admin, role:admin", True),
        ("p, admin, clusters, delete, *, allow", True),
    ],
)
def test_a_group_called_admin_has_what_lines_say_and_is_not_the_account(policy, allowed):
    member = somebody("eve", "admin", issuer="https://id.example")
    assert may(Policy.parse(policy), member, "clusters delete c") is allowed


def test_who_is_made_an_admin_by_a_line_is_one():
    assert may(Policy.parse("g, bob, admin"), somebody("bob"), "clusters delete c")


@pytest.mark.parametrize(
    ("request_", "readonly", "admin"),
    [
        ("applications get shop/web", True, True),
        ("applications get shop/ns/web", True, True),
        ("logs get shop/web", True, True),
        ("clusters get https://c", True, True),
        ("repositories get https://r", True, True),
        ("accounts get bob", True, True),
        ("applications sync shop/web", False, True),
        ("applications override shop/web", False, True),
        ("applications rollback shop/web", False, True),
        ("applications update/apps/Deployment/shop/web shop/web", False, True),
        ("applications delete//Pod/shop/web-1 shop/web", False, True),
        ("applications action/apps/Deployment/restart shop/web", False, True),
        ("applicationsets create shop/all", False, True),
        ("projects delete shop", False, True),
        ("accounts update bob", False, True),
        ("exec create shop/web", False, True),
        ("gpgkeys create k", False, True),
        ("certificates delete c", False, True),
        ("extensions invoke metrics", False, True),
        ("nonsense get x", False, False),
    ],
)
@pytest.mark.parametrize("mode", list(MatchMode))
def test_built_in_roles(request_, readonly, admin, mode):
    policy = Policy.parse("g, alice, role:readonly\ng, ops, role:admin", match_mode=mode)
    assert may(policy, somebody("alice"), request_) is readonly
    assert may(policy, somebody("bob", "ops"), request_) is admin
    assert may(policy, somebody("admin"), request_) is admin
    assert may(policy, somebody("eve"), request_) is False


@pytest.mark.parametrize(
    ("lines", "action", "expected"),
    [
        pytest.param("delete, shop/web, allow", "delete//Pod/shop/web-1", False, id="delete stops at the application"),
        pytest.param("delete/*, shop/web, allow", "delete//Pod/shop/web-1", True, id="all its resources"),
        pytest.param("delete/*, shop/web, allow", "delete", False, id="but not itself"),
        pytest.param("delete/*/Pod/*/*, shop/web, allow", "delete//Pod/shop/web-1", True, id="one kind"),
        pytest.param("delete/*/Pod/*/*, shop/web, allow", "delete/apps/Deployment/shop/web", False, id="other kind"),
        pytest.param("action//Pod/*, shop/*, allow", "action//Pod/maintenance-off", True, id="action without group"),
        pytest.param("action/apps/*, shop/*, allow", "action//Pod/restart", False, id="action of another group"),
        pytest.param("action/*, shop/*, allow", "action/apps/Deployment/restart", True, id="any action"),
        pytest.param("update, shop/*, allow", "action/apps/Deployment/restart", False, id="update is no action"),
    ],
)
def test_sub_resources(lines, action, expected):
    policy = Policy.parse(f"p, alice, applications, {lines}")
    assert may(policy, somebody(), f"applications {action} shop/web") is expected


def test_update_and_delete_reach_inside_where_the_setting_says_so():
    lines = """p, alice, applications, delete, shop/web, allow
        p, alice, applications, delete/*/Pod/*/*, shop/web, deny"""
    old = Policy(PolicySettings(texts=(("policy.csv", lines),), inherits_sub_actions=True))
    assert may(old, somebody(), "applications delete/apps/Deployment/shop/web shop/web")
    assert may(old, somebody(), "applications delete//Pod/shop/web shop/web"), (
        "as in Argo CD 2: not to be denied inside"
    )
    assert not may(Policy.parse(lines), somebody(), "applications delete//Pod/shop/web shop/web")


def test_circles_of_roles_end():
    policy = Policy.parse("g, alice, role:a\ng, role:a, role:b\ng, role:b, role:a\np, role:b, projects, get, *, allow")
    assert may(policy, somebody(), "projects get shop")


@pytest.mark.parametrize("name", ["role:admin", "proj:shop:deploy"])
def test_a_name_from_outside_that_looks_like_a_role_is_nobody(name):
    project = parse_project({"metadata": {"name": "shop"}, "spec": {"roles": [{"name": "deploy"}]}})
    policy = Policy(PolicySettings(default_role="role:readonly"), [project])
    issuer = "https://issuer.example"
    assert not may(policy, somebody(name, issuer=issuer), "projects get shop")
    assert not may(policy, somebody("eve", name, issuer=issuer), "projects delete shop")


def test_regular_expressions():
    policy = Policy.parse("p, alice, ^applications$, (get|sync), ^shop/.*, allow", match_mode=MatchMode.REGEX)
    assert may(policy, somebody(), "applications sync shop/web")
    assert not may(policy, somebody(), "applications sync myshop/web")


def test_a_decision_names_its_line():
    line = "p, role:dev, applications, sync, shop/*, allow"
    decision = Policy.parse(f"g, devs, role:dev\n{line}").decide(
        somebody("a", "devs"), "applications", "sync", "shop/b"
    )
    assert decision.rule == line


PROJECT: Any = {
    "metadata": {"name": "shop"},
    "spec": {
        "roles": [
            {
                "name": "deploy",
                "policies": [
                    "p, proj:shop:deploy, applications, sync, shop/*, allow",
                    "p, proj:shop:deploy, applications, sync, shop/locked, deny",
                ],
                "groups": ["devs"],
                "jwtTokens": [{"iat": 1, "id": "old"}],
            }
        ]
    },
    "status": {"jwtTokensByRole": {"deploy": {"items": [{"iat": 2, "id": "new"}]}}},
}


class TestProjects:
    def policy(self, lines="", *policies, **settings):
        project = {**PROJECT, "spec": {"roles": [dict(PROJECT["spec"]["roles"][0])]}}
        project["spec"]["roles"][0]["policies"] = [*PROJECT["spec"]["roles"][0]["policies"], *policies]
        return Policy(PolicySettings(texts=(("policy.csv", lines),), **settings), [parse_project(project)])

    @pytest.mark.parametrize(
        ("request_", "expected"),
        [
            ("applications sync shop/web", True),
            ("applications sync shop/locked", False),
            ("applications sync ops/web", False),
            ("applications delete shop/web", False),
            ("projects get shop", True),
            ("projects get ops", False),
        ],
    )
    def test_members_of_a_roles_groups_have_the_role(self, request_, expected):
        assert may(self.policy(), somebody("alice", "devs"), request_) is expected

    @pytest.mark.parametrize(("token", "expected"), [("old", True), ("new", True), ("revoked", False), ("", False)])
    def test_a_token_counts_while_the_project_lists_it(self, token, expected):
        identity = somebody("proj:shop:deploy", issuer="token", token_id=token)
        assert may(self.policy(), identity, "applications sync shop/web") is expected

    def test_a_revoked_token_has_not_even_the_default_role(self):
        identity = somebody("proj:shop:deploy", issuer="token", token_id="revoked")
        assert not may(self.policy(default_role="role:readonly"), identity, "applications get shop/web")

    def test_what_the_settings_deny_a_project_cannot_grant(self):
        policy = self.policy("p, devs, applications, sync, */*, deny")
        assert not may(policy, somebody("alice", "devs"), "applications sync shop/web")

    @pytest.mark.parametrize(
        "line",
        [
            pytest.param("p, proj:shop:deploy, applications, *, */*, allow", id="objects of others"),
            pytest.param("p, proj:shop:deploy, applications, *, shop*, allow", id="a prefix is not the project"),
            pytest.param("p, proj:shop:deploy, projects, *, shop/x, allow", id="not of a project"),
            pytest.param("p, proj:shop:deploy, *, *, shop/*, allow", id="any resource"),
            pytest.param("p, devs, applications, *, shop/*, allow", id="another subject"),
            pytest.param("p, admin, applications, *, shop/*, deny", id="a restriction of another subject"),
            pytest.param("g, devs, role:admin", id="a built-in role"),
        ],
    )
    def test_a_line_that_leaves_its_project_is_said_and_not_followed(self, line):
        policy = self.policy("", line)
        assert [p.sentence.code for p in policy.problems] == ["policy-line-foreign"]
        for request in ("applications delete shop/web", "applications delete shopping/a", "projects delete shop/x"):
            assert not may(policy, somebody("alice", "devs"), request)
        assert may(policy, somebody("admin"), "applications delete shop/web")

    def test_patterns_of_a_project_never_reach_another(self):
        policy = self.policy(
            "", "p, proj:shop:deploy, applications, delete, shop/.*|.*, allow", match_mode=MatchMode.REGEX
        )
        assert may(policy, somebody("alice", "devs"), "applications delete shop/web")
        assert not may(policy, somebody("alice", "devs"), "applications delete ops/web")


class TestBrokenLines:
    """Each is said, and none is a wider right than what was meant."""

    ALLOW = "p, alice, applications, *, */*, allow"

    @pytest.mark.parametrize(
        ("broken", "code"),
        [
            pytest.param("p, alice, applications, delete, shop/*, dney", "policy-line-incomplete", id="effect"),
            pytest.param("p, alice, applications, delete, shop/*", "policy-line-incomplete", id="no effect"),
            pytest.param("p, alice, applications", "policy-line-incomplete", id="no action"),
            pytest.param("p, alice, applications, delete, shop/*, allow, x", "policy-line-incomplete", id="too much"),
            pytest.param("p, alice, applications, delete, {shop/*, deny", "policy-pattern-broken", id="pattern"),
            pytest.param("g, alice", "policy-line-incomplete", id="no role"),
            pytest.param('p, "alice, applications, delete, shop/*, deny', "policy-line-unreadable", id="quote"),
            pytest.param("q, alice, applications, delete, shop/*, deny", "policy-line-unreadable", id="letter"),
            pytest.param(", alice, applications, delete, shop/*, deny", "policy-line-unreadable", id="nothing"),
        ],
    )
    def test_a_broken_restriction_still_restricts(self, broken, code):
        policy = Policy.parse(f"{self.ALLOW}\n{broken}\ng, alice, role:admin")
        assert not may(policy, somebody(), "applications delete shop/web")
        assert [(problem.where, problem.line, problem.sentence.code) for problem in policy.problems] == [
            ("policy.csv", 2, code)
        ]

    def test_a_broken_pattern_grants_nothing(self):
        policy = Policy.parse("p, alice, applications, get, {shop, allow")
        assert not may(policy, somebody(), "applications get shop")

    def test_other_lines_count(self):
        policy = Policy.parse(f"p, bob, applications, get\nnonsense\n{self.ALLOW}")
        assert may(policy, somebody(), "applications get shop/web")
        assert len(policy.problems) == 2

    def test_a_lost_restriction_leaves_restrictions_and_built_in_roles(self):
        lines = f"{self.ALLOW}\n!p, x, *, *, *, deny\np, admin, clusters, delete, *, deny\ng, bob, role:a\ng, role:a, role:admin"
        policy = Policy.parse(lines)
        assert not may(policy, somebody(), "applications get shop/web")
        assert not may(policy, somebody("bob"), "applications get shop/web")
        assert may(policy, somebody("admin"), "applications get shop/web")
        assert not may(policy, somebody("admin"), "clusters delete c")


@pytest.mark.parametrize(
    ("scopes", "request_", "expected"),
    [
        pytest.param(None, "applications sync shop/web", True, id="none: not limited"),
        pytest.param((), "applications get shop/web", False, id="empty: nothing"),
        pytest.param(("applications:get",), "applications get shop/web", True, id="in"),
        pytest.param(("applications:get",), "applications sync shop/web", False, id="other action"),
        pytest.param(("applications:*:shop/*",), "applications sync ops/web", False, id="other object"),
        pytest.param(("clusters:get", "applications:*:shop/*"), "applications sync shop/web", True, id="second"),
        pytest.param(("*:*",), "nonsense get x", False, id="a scope grants nothing by itself"),
        pytest.param(("applications",), "applications get shop/web", False, id="half a scope"),
        pytest.param(("{a:*",), "applications get shop/web", False, id="broken"),
    ],
)
def test_scopes_of_a_token_narrow(scopes, request_, expected):
    assert may(Policy.parse(""), somebody("admin", scopes=scopes), request_) is expected


class TestSettings:
    def test_every_key_of_the_pattern_counts(self):
        settings = parse_settings(
            {
                "policy.overlay.csv": "p, alice, projects, get, b, allow",
                "policy.csv": "p, alice, projects, get, a, allow",
                "policy.default": "role:none",
                "policyX.csv": "g, alice, role:admin",
            }
        )
        assert [key for key, _ in settings.texts] == ["policy.csv", "policy.overlay.csv"]
        policy = Policy(settings)
        assert may(policy, somebody(), "projects get a")
        assert may(policy, somebody(), "projects get b")
        assert not may(policy, somebody(), "projects delete a")

    @pytest.mark.parametrize(
        ("text", "scopes", "problems"),
        [
            ("", ("groups",), 0),
            ("[groups, email]", ("groups", "email"), 0),
            ("email", ("email",), 0),
            ("{a: b}", (), 1),
            ("[1]", (), 1),
            ("[", (), 1),
        ],
    )
    def test_scopes(self, text, scopes, problems):
        settings = parse_settings({"scopes": text})
        assert settings.scopes == scopes
        assert len(settings.problems) == problems

    def test_an_unknown_match_mode_is_glob_and_said(self):
        settings = parse_settings({"policy.matchMode": "fuzzy"})
        assert settings.match_mode is MatchMode.GLOB
        assert [problem.sentence.code for problem in settings.problems] == ["policy-match-mode-unknown"]
        assert Policy(settings).problems == settings.problems

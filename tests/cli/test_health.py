"""`haori health` judges what stands in files, by rules and by scripts."""

import json

import pytest

from haori.cli.main import run_command

WIDGET = """
apiVersion: shop.example.com/v1
kind: Widget
metadata: {name: w, namespace: shop}
status: {conditions: [{type: Ready, status: "False", message: cutting}]}
"""
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n"
SETTINGS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd}
data:
  resource.customizations.health.shop.example.com_Widget: |
    return {status = "Degraded", message = obj.status.conditions[1].message}
"""


@pytest.fixture
def written(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_text(content)
        return str(path)

    return write


def rows(capsys):
    return [(row["object"], row["status"], row["by"]) for row in json.loads(capsys.readouterr().out)]


def test_rules_judge_without_a_script(written, capsys):
    code = run_command(["health", written("w.yaml", f"{WIDGET}---\n{CONFIG_MAP}"), "-o", "json"])
    assert code == 1
    assert rows(capsys) == [
        ("Widget shop/w", "Progressing", "rule"),
        ("ConfigMap shop/a", None, "nothing"),
    ]


def test_a_script_judges_every_object(written, capsys):
    script = written("health.lua", "return {status = 'Healthy'}")
    files = [written("w.yaml", WIDGET), written("a.yaml", CONFIG_MAP)]
    assert run_command(["health", *files, "--script", script, "-o", "json"]) == 0
    assert {row[1:] for row in rows(capsys)} == {("Healthy", "script")}


def test_settings_say_which_kind_has_a_script(written, capsys):
    file = written("w.yaml", f"{WIDGET}---\n{CONFIG_MAP}")
    assert run_command(["health", file, "--settings", written("cm.yaml", SETTINGS)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["OBJECT", "HEALTH", "BY", "MESSAGE"]
    assert lines[1].endswith("Degraded  script    its health script says: cutting")
    assert lines[2].split() == ["ConfigMap", "shop/a", "-", "no", "check"]


@pytest.mark.parametrize(("flags", "status"), [([], "Unknown"), (["--open-libs"], "Healthy")])
def test_libraries_are_asked_for(written, capsys, flags, status):
    script = written("health.lua", "return {status = string.format('%s', 'Healthy')}")
    run_command(["health", written("w.yaml", WIDGET), "--script", script, "-o", "json", *flags])
    assert rows(capsys)[0][1] == status


def test_a_list_is_taken_apart(written, capsys):
    listed = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": n}} for n in "ab"],
    }
    assert run_command(["health", written("l.json", json.dumps(listed)), "-o", "json"]) == 0
    assert [row[0] for row in rows(capsys)] == ["Service a", "Service b"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["health", "{odd}"], "cli.health.no-object"),
        (["health", "{widget}", "--settings", "{widget}"], "cli.health.no-settings"),
    ],
)
def test_what_is_no_object_is_refused_by_name(written, capsys, arguments, code):
    places = {"odd": written("odd.yaml", "just: text"), "widget": written("w.yaml", WIDGET)}
    assert run_command([each.format(**places) for each in arguments]) == 2
    assert f"error[{code}]" in capsys.readouterr().err


def test_script_and_settings_exclude_each_other(written, capsys):
    file = written("w.yaml", WIDGET)
    assert run_command(["health", file, "--script", file, "--settings", file]) == 2
    assert "--settings" in capsys.readouterr().err

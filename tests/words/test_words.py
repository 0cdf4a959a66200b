"""The files of words agree with each other, and sentences come out of them."""

import json
import re
from importlib import resources

import pytest

from haori.words import Language, Sentence, current_language, has_code, text

KINDS = {"text", "object", "number", "duration", "time", "revision", "list", "command", "sentence"}
PLACE = re.compile(r"(?<!\{)\{([a-z][a-z0-9_]*)(?:\|[^|{}]*\|[^|{}]*)?\}")


def read(name):
    return json.loads(resources.files("haori.words").joinpath(f"{name}.json").read_bytes())


ENGLISH, JAPANESE, PARAMETERS = read("en"), read("ja"), read("parameters")


def test_every_sentence_is_there_in_both_languages():
    assert set(ENGLISH) == set(JAPANESE) == set(PARAMETERS)


@pytest.mark.parametrize("code", sorted(ENGLISH))
def test_templates_use_declared_parameters_only(code):
    for templates in (ENGLISH, JAPANESE):
        assert set(PLACE.findall(templates[code])) <= set(PARAMETERS[code])


def test_parameters_have_known_kinds():
    assert {kind for kinds in PARAMETERS.values() for kind in kinds.values()} <= KINDS


def test_files_are_sorted_so_that_two_changes_meet_rarely():
    for words in (ENGLISH, JAPANESE, PARAMETERS):
        assert list(words) == sorted(words)


def test_japanese_is_not_a_copy_of_english():
    copied = [code for code in ENGLISH if ENGLISH[code] == JAPANESE[code] and re.search(r"[a-z] [a-z]", ENGLISH[code])]
    assert copied == []


def test_a_list_is_joined_and_a_number_is_short():
    parameters = {"done": 1, "total": 2.0, "names": ["a", "b"]}
    sentence = text("cli.up.waiting-apps", parameters, Language.ENGLISH)
    assert sentence == "1 of 2 applications Synced and Healthy; waiting for a, b"


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 restarts"), (1, "1 restart"), (1.0, "1 restart"), (2, "2 restarts")]
)
def test_a_counted_word_follows_its_number(count: float, told: str):
    parameters = {"container": "web", "object": "Pod a/b", "owner": "Deployment a/b", "count": count, "exit_code": 1}
    assert told + "," in text("why-crash-loop", parameters, Language.ENGLISH)


def test_a_counted_word_without_its_number_shows_its_place():
    assert "{count|restart|restarts}" in text("why-crash-loop", {}, Language.ENGLISH)


def test_what_is_counted_is_never_many_whatever_the_number():
    """After a number comes a word by that number; left are the bounds, which are never one, and Argo CD's own words."""
    bounds = {"limit", "most", "least", "size", "days", "tries", "megabytes"}
    argo = {"resource-repeated"}
    counted = re.compile(r"\{([a-z][a-z0-9_]*)\} (?:of \{([a-z][a-z0-9_]*)\} )?(?:other |more |old )?[a-zA-Z]+s\b")
    found = [
        (code, match[0])
        for code, template in ENGLISH.items()
        for match in counted.finditer(template)
        if PARAMETERS[code].get(match[2] or match[1]) == "number"
        and not {match[2] or match[1]} & bounds
        and not re.search(r"\} (?:is|was|has|speaks)$", match[0])
    ]
    assert [each for each in found if each[0] not in argo] == []


def test_an_unknown_code_shows_its_facts():
    assert text("from-a-newer-version", {"name": "shop"}) == "from-a-newer-version name=shop"


def test_a_missing_parameter_shows_its_place():
    assert "{path}" in text("already-running", {}, Language.ENGLISH)


def test_a_sentence_travels_with_code_and_parameters():
    sentence = Sentence(code="already-running", parameters={"path": "/d"})
    assert sentence.to_json(Language.ENGLISH) == {
        "code": "already-running",
        "parameters": {"path": "/d"},
        "text": "An instance already runs in /d.",
    }


REASON = Sentence(code="why-claim-pending", parameters={"object": "PersistentVolumeClaim shop/db"})
JAPANESE_REASON = "PersistentVolumeClaim shop/db がボリュームを待っています"


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param(REASON, id="value"),
        pytest.param(REASON.to_json(Language.ENGLISH), id="read-from-json"),
        pytest.param({"code": REASON.code, "parameters": REASON.parameters}, id="without-text"),
    ],
)
def test_a_sentence_inside_a_sentence_speaks_its_language(reason):
    outer = Sentence(code="target-state-failed", parameters={"reason": reason})
    assert JAPANESE_REASON in outer.text(Language.JAPANESE)
    assert "waits for a volume" in outer.text(Language.ENGLISH)


def test_a_sentence_has_the_hint_of_the_innermost_reason_that_has_one():
    inner = Sentence(code="render-path-missing", parameters={"path": "a"})
    found = Sentence(code="target-state-failed", parameters={"reason": inner.to_json()}).hint()
    assert found is not None
    assert found.code == "render-path-missing.hint"
    assert REASON.hint() is None


def test_a_sentence_inside_a_list_speaks_its_language():
    parameters = {"done": 1, "total": 2, "names": [REASON, "b"]}
    assert f"{JAPANESE_REASON}, b" in text("cli.up.waiting-apps", parameters, Language.JAPANESE)


def test_a_sentence_inside_a_sentence_travels_whole():
    outer = Sentence(code="target-state-failed", parameters={"reason": REASON})
    told = outer.to_json(Language.ENGLISH)
    assert told["parameters"]["reason"] == REASON.to_json(Language.ENGLISH)
    again = Sentence(code=told["code"], parameters=told["parameters"])
    assert again.to_json(Language.JAPANESE)["parameters"]["reason"]["text"] == JAPANESE_REASON


def test_parameters_that_are_sentences_are_declared():
    kinds = {code: [name for name, kind in PARAMETERS[code].items() if kind == "sentence"] for code in PARAMETERS}
    assert kinds["why-with-commit"] == kinds["target-state-failed"] == kinds["why-sync-waits"] == ["reason"]


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        pytest.param({}, Language.ENGLISH, id="nothing"),
        pytest.param({"LANG": "ja_JP.UTF-8"}, Language.JAPANESE, id="locale"),
        pytest.param({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, Language.ENGLISH, id="LC_ALL-wins"),
        pytest.param({"LC_ALL": "C", "HAORI_LANG": "ja"}, Language.JAPANESE, id="ours-wins"),
    ],
)
def test_the_reader_s_language(environ, language):
    assert current_language(environ) is language


def test_codes_in_the_code_have_words():
    """Every code that a raise names is in the files."""
    sources = [path.read_text() for path in _python_files(resources.files("haori"))]
    raised = {code for source in sources for code in re.findall(r'raise \w+Error\(\s*"([a-z0-9.-]+)"', source)}
    assert {code for code in raised if not has_code(code)} == set()


def _python_files(folder):
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _python_files(entry)
        elif entry.name.endswith(".py"):
            yield entry

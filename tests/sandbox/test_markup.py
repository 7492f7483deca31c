import pytest

from marketo_async.sandbox.records.markup import Markup, filled, plain_text


@pytest.mark.parametrize("text", ["<p>One", "One</p>", "<div><p>One</div>"])
def test_malformed_documents(text: str) -> None:
    assert Markup.read(text).malformed


def test_a_document_in_order() -> None:
    assert not Markup.read("<p>One<br>two<br/>three</p><div/>").malformed


def test_only_what_marketo_marks_is_editable() -> None:
    markup = Markup.read(
        '<meta id="viewport" class="other"><meta class="mktoString" id="v" default="1">'
        '<div id="plain">a</div><div class="mktoText">b</div><div class="big mktoText" id="text" mktoName="Text"/>'
    )

    assert [(variable.id, variable.default) for variable in markup.variables] == [("v", "1")]
    assert [(section.id, section.name) for section in markup.sections] == [("text", "Text")]


def test_filling() -> None:
    text = '<div class="mktoText" id="a">\n<b>x</b></div>${v}<div class="mktoText" id="c">kept</div>'

    assert filled(text, {"a": "A"}, {"v": "1"}) == (
        '<div class="mktoText" id="a">A</div>1<div class="mktoText" id="c">kept</div>'
    )


def test_plain_text() -> None:
    assert plain_text("<p>Salt &amp;\n<b>pepper</b></p>") == "Salt & pepper"

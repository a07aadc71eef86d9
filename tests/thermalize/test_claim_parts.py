"""What claims are put together from: pictures that say their numbers, parts joined into one."""

import numpy as np

from thermalize.claims.claim import Curve, Evidence, Graph, Number, Published, Table, joined
from thermalize.claims.figures import pictures_of
from thermalize.claims.posterior_sample import CLAIM, PARTS
from thermalize.figures import drawing
from thermalize.pages import environment

from .page import Page


def test_pictures_say_every_number_and_leave_gaps() -> None:
    numbers = [Number("a", 0.25, 0.125, 0.5), Number("a", None, None, None)]
    curve = Curve("Along", "Text.", "noise", "share", [0.0, 1.0], {"sgd": numbers}, 0.5)
    graph = Graph("Beside", "Text.", "share", ["one", "two"], {"sgd": numbers})
    empty = Curve("None", "", "", "", [], {"sgd": []})
    drawn = pictures_of([curve, empty, graph])
    assert [picture.title for picture in drawn] == ["Along", "Beside"]
    for picture, first in zip(drawn, ("sgd at 0", "one, sgd"), strict=True):
        assert f"{first}: 0.250 [0.125, 0.500]" in picture.svg
        assert "not available" in picture.svg
        assert picture.text == "Text."


def test_logarithmic_axes_are_marked_in_plain_numbers() -> None:
    numbers = [Number("a", 30.0, 10.0, 200.0), Number("a", 3000.0, 1000.0, 20_000.0)]
    curve = Curve("Along", "Text.", "x", "steps", [1.0, 100.0], {"sgd": numbers}, log_x=True, log_y=True)
    graph = Graph("Beside", "Text.", "steps", ["one", "two"], {"sgd": numbers}, 10_000.0, log=True)
    with drawing():
        pictures = pictures_of([curve, graph])
    for picture in pictures:
        assert ">1,000</text>" in picture.svg
        assert "mathdefault" not in picture.svg


def test_tables_stand_on_the_page_and_old_records_need_none() -> None:
    table = Table("First <passages>", "In steps.", ["Changed", "Steps"], [["rate", "20 [10, 30]"]])
    words = ("source", "estimand", "rule", "claim", "preset", "created", "version", "git", "platform")
    old = dict.fromkeys(words, "x") | {
        "cases": [],
        "published": [],
        "packages": {},
        "seed": 0,
        "seconds": 1.0,
    }
    source = "{% from 'claim_parts.html' import evidence %}{{ evidence(result, []) }}"
    template = environment().from_string(source)
    page = template.render(result=old | {"tables": [table._asdict()]})
    assert "First &lt;passages&gt;" in page
    assert "<td>rate</td><td>20 [10, 30]</td>" in page
    assert "passages" not in template.render(result=old)


def test_parts_of_a_claim_as_one() -> None:
    row = Published("share", "0.5", "someone 2020", "0.4")
    one = Evidence([], Number("a", 1.0, None, None), [], [], [np.zeros(2)], ["x", "y"], [row])
    two = joined(Number("b", 2.0, None, None), [one, one._replace(citations=["y", "z"])])
    assert (two.headline.name, two.citations, len(two.data)) == ("b", ["x", "y", "z"], 2)
    assert two.published == [row, row]


def test_a_long_label_is_folded_and_leaves_room_for_the_picture() -> None:
    label = "digits-binary, fifty training images, momentum 0.9, a thousand steps past the first fit, Gibbs"
    (drawn,) = pictures_of([Graph("t", "w", "x", [label], {"a": [Number("a", 0.5, 0.4, 0.6)]})])
    assert drawn.svg.count(label) == 1  # in the text alternative, not on the axis
    assert drawn.svg.count("momentum") == 2


def test_the_rules_of_parts_stand_as_lists() -> None:
    template = '{% from "claim_parts.html" import rules %}{{ rules(text) }}'
    drawn = Page(environment().from_string(template).render(text=CLAIM.rule))
    names = [name for name, _ in drawn.tags]
    rules = {part.rule for part in PARTS}
    assert names.count("ul") == len(rules) == 3
    assert names.count("li") == sum(rule.count("\n") for rule in rules)
    assert names.count("p") == len(rules) + 1  # and how the verdicts of cases are put together

import pytest

from aggregates.stores.encoding import decode_visitor, encode_visitor
from aggregates.stores.ports import StoredVisitor
from aggregates.visitor import Moment, PageAt, Visit, VisitorState
from tests.factories import VISITOR

FIRST, LAST = (
    PageAt(Moment(1, b"sixteen bytes 1."), "/a"),
    PageAt(Moment(2, b"sixteen bytes 2."), "/a"),
)


@pytest.mark.parametrize(("entry", "last"), [(None, None), (FIRST, FIRST), (FIRST, LAST)])
def test_a_visit_keeps_its_entry_and_exit(entry: PageAt | None, last: PageAt | None) -> None:
    visit: Visit = VISITOR.state.visits[0]._replace(entry=entry, exit=last)
    stored = StoredVisitor(VisitorState(visits=(visit,)), 1)
    assert decode_visitor(encode_visitor(stored)) == stored

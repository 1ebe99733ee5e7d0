"""What lies beside the candidate and says how it was trained, against what it is gated with."""

from __future__ import annotations

from evalsuite.gates import Beside, Policy
from evalsuite.models import AdapterRef, BaseRef, Tuned
from evalsuite.models.basenames import CLASS_KEY, NAME_KEY, compare_class, compare_name
from evalsuite.template import ChatTemplate
from evalsuite.template.neighbours import Neighbour, compare_neighbours


def neighbours_of(
    adapter: Tuned, base: BaseRef, template: ChatTemplate, policy: Policy
) -> tuple[Neighbour, ...]:
    """Compare everything beside an adapter; nothing where the policy ignores it.

    A whole model has nothing beside it: what is in its folder is what is served.
    """
    ignored = policy.gates.template_round_trip.beside is Beside.IGNORED
    if ignored or not isinstance(adapter, AdapterRef):
        return ()
    told = ((NAME_KEY, compare_name(adapter, base)), (CLASS_KEY, compare_class(adapter, base)))
    named = (Neighbour(key, *found) for key, found in told if found is not None)
    return (*named, *compare_neighbours(template, adapter.path))


def contradictions(neighbours: tuple[Neighbour, ...]) -> tuple[Neighbour, ...]:
    """Those that speak against what is gated."""
    return tuple(one for one in neighbours if one.same is False)

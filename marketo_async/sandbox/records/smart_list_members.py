"""Applies the rules of smart lists to find their current members."""

from __future__ import annotations

from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.smart_lists import Filter, SmartList


def smart_list_members(instance: Instance, smart_list: SmartList) -> list[int]:
    """Return the ids of the leads that match the rules, ascending; without a filter, of all leads."""
    filters = smart_list.rules.filters
    fits = all if smart_list.rules.match == "All" or not filters else any
    return [lead_id for lead_id in instance.leads.ids() if fits(_passes(instance, lead_id, item) for item in filters)]


def _passes(instance: Instance, lead_id: int, item: Filter) -> bool:
    if item.name == "Member of List":
        return any(lead_id in one for one in instance.lists if one.name in item.values)
    if item.name == "Member of Program":
        return any(lead_id in one.members for one in instance.programs.values() if one.name in item.values)
    names = [field.name for field in instance.lead_fields if field.display_name == item.name]
    lead = instance.leads.get(lead_id) or {}
    return any(lead.get(name) in item.values for name in names)

"""The operations, one module per part of a family; each declares its routes, and here they come together."""

from marketo_async.sandbox.families import (
    activities,
    activity_types,
    custom_activities,
    lead_fields,
    lead_lifecycle,
    lead_memberships,
    lead_push,
    lead_sync,
    leads,
    static_list_assets,
    static_lists,
    usage,
)
from marketo_async.sandbox.routing import Routes

FAMILIES: tuple[Routes, ...] = (
    leads.routes,
    lead_sync.routes,
    lead_push.routes,
    lead_lifecycle.routes,
    lead_memberships.routes,
    lead_fields.routes,
    static_lists.routes,
    activities.routes,
    custom_activities.routes,
    activity_types.routes,
    usage.routes,
    static_list_assets.routes,
)

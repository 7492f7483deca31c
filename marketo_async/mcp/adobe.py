"""The tool names of Adobe's own MCP server, as aliases of operations. Data.

Adobe does not publish the arguments of its tools, so an alias takes the arguments of the operation. See
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/mcp-server-operations
"""

from __future__ import annotations

from collections.abc import Mapping

_SAME: Mapping[str, str] = {
    "bulk.leads": "bulk_export_create:create bulk_export_enqueue:enqueue bulk_export_file:file"
    " bulk_export_status:status get_import_status:import_status",
    "channels": "browse_channels:browse get_channel_by_name:by_name",
    "tags": "browse_tag_types:browse get_tag_type_by_name:by_name",
    "emails": "approve_email:approve browse_emails:browse create_email:create get_email_by_id:get"
    " get_email_by_name:by_name get_email_content:content update_email_content:update_content",
    "folders": "browse_folders:browse create_folder:create delete_folder:delete get_folder_by_id:get"
    " get_folder_by_name:by_name get_folder_content:content update_folder:update",
    "form_fields": "add_field_set:add_fieldset add_field_to_form:add add_field_visibility_rule:update_visibility"
    " add_rich_text_field:add_rich_text delete_field_from_fieldset:delete_from_fieldset delete_form_field:delete"
    " get_form_field_metadata:lead_fields get_form_fields:browse get_program_member_fields:program_member_fields"
    " update_field_positions:rearrange update_form_field:update",
    "forms": "approve_form:approve browse_forms:browse clone_form:clone create_form:create delete_form:delete"
    " discard_form_draft:discard_draft get_form_by_id:get get_form_by_name:by_name get_forms_used_by:used_by"
    " get_thank_you_page:thank_you_page update_form:update",
    "leads": "describe_lead:describe2 get_leads_by_filter:by_filter",
    "activities": "get_activity_types:types get_lead_activities:since get_paging_token:paging_token",
    "lists": "add_leads_to_list:add browse_lists:browse get_list_by_id:get get_list_members:leads"
    " remove_from_list:remove",
    "static_lists": "create_list:create get_list_by_name:by_name update_list:update",
    "programs": "approve_program:approve browse_programs:browse clone_program:clone create_program:create"
    " delete_program_tag:delete_tag get_program_by_id:get get_program_by_name:by_name"
    " get_program_smart_list:smart_list get_programs_by_tag:by_tag unapprove_program:unapprove"
    " update_program:update update_program_tag:update_tag",
    "smart_campaigns": "activate_smart_campaign:activate browse_smart_campaigns:browse create_smart_campaign:create"
    " get_smart_campaign_by_id:get get_smart_campaign_by_name:by_name get_smart_campaign_rules:smart_list"
    " get_smart_list_by_campaign_id:smart_list update_smart_campaign:update",
    "campaigns": "schedule_campaign:schedule trigger_campaign:request",
    "smart_lists": "browse_smart_lists:browse clone_smart_list:clone get_smart_list_by_id:get"
    " get_smart_list_by_name:by_name get_smart_list_rules:get",
    "snippets": "approve_snippet:approve browse_snippets:browse clone_snippet:clone create_snippet:create"
    " delete_snippet:delete discard_snippet_draft:discard_draft get_snippet_by_id:get get_snippet_content:content"
    " get_snippet_dynamic_content:dynamic_content unapprove_snippet:unapprove update_snippet:update"
    " update_snippet_content:update_content update_snippet_dynamic_content:update_dynamic_content",
    "tokens": "create_token:create delete_token:delete get_tokens_by_folder:browse",
}

ALIASES: Mapping[str, str] = {
    alias: f"{family}.{verb}"
    for family, pairs in _SAME.items()
    for alias, _, verb in (pair.partition(":") for pair in pairs.split())
}

# Adobe's tools for which the public API has no operation, each with the nearest ones.
NEAREST: Mapping[str, tuple[str, ...]] = {
    "set_field_autofill": ("form_fields.update",),
    "get_leads_by_smart_list": ("bulk.leads.create", "leads.by_filter"),
    "browse_email_batch_programs": ("programs.browse",),
    "browse_nurture_programs": ("programs.browse",),
    "browse_program_details": ("programs.browse", "programs.get"),
    "browse_program_events": ("programs.browse",),
    "browse_scheduled_programs": ("programs.browse",),
    "get_program_creation_options": ("channels.browse", "tags.browse"),
    "add_flow_step": ("smart_campaigns.clone",),
    "facet_smart_campaigns": ("smart_campaigns.browse",),
    "get_smart_campaign_auto_suggest": ("smart_campaigns.by_name",),
    "get_smart_campaign_flow_step_by_name": ("smart_campaigns.get",),
    "get_smart_campaign_flow_step_type_by_name": ("smart_campaigns.get",),
    "get_smart_campaign_flow_step_types": ("smart_campaigns.get",),
    "get_smart_campaign_flow_steps": ("smart_campaigns.get",),
    "get_smart_campaign_rule_by_name": ("smart_campaigns.smart_list",),
    "get_smart_campaign_scheduled_runs": ("smart_campaigns.get",),
    "get_smart_campaign_used_by": ("smart_campaigns.get",),
    "update_flow_step_choice": ("smart_campaigns.update",),
    "add_smart_list_rule": ("smart_lists.get", "smart_lists.clone"),
    "create_smart_list": ("smart_lists.clone",),
    "delete_all_smart_list_rules": ("smart_lists.get",),
    "get_smart_list_auto_suggest": ("smart_lists.by_name",),
    "get_smart_list_rule_by_name": ("smart_lists.get",),
    "get_smart_list_used_by": ("smart_lists.get",),
    "remove_smart_list_rule_constraint": ("smart_lists.get",),
    "reorder_smart_list_rules": ("smart_lists.get",),
    "update_smart_list_filter_logic": ("smart_lists.get",),
    "update_smart_list_rule": ("smart_lists.get",),
    "facet_snippets": ("snippets.browse",),
    "create_calendar_token": ("tokens.create",),
    "get_calendar_tokens": ("tokens.browse",),
}

"""Which tests run a slice of their cases in the ordinary line, and the rest of them with `-m matrix`.

The ordinary line has to end within six minutes on two idle cores, and these took more than half of it. Every N-th case of a
test stays, the first among them; the others get the mark `matrix`. A new case goes behind the old ones, so that a slice stays
what it was. Cases that build on the case before them cannot be sliced.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import pytest

_EVERY: dict[str, int] = {  # below tests/; how many cases there are to one that stays
    "analysis/test_access.py::test_what_is_said_is_what_the_key_may_do": 7,
    "analysis/test_permissions.py::test_exactly_that_policy_is_enough": 3,
    "analysis/test_permissions.py::test_no_statement_can_be_spared": 9,
    "commands/test_approval.py::test_anything_more_is_refused_and_alone_is_shown": 2,
    "commands/test_drift.py::test_a_hand_edit_is_found_and_named": 5,
    "commands/test_drift.py::test_hostile_text_stays_text": 3,
    "commands/test_drift.py::test_the_direction_is_reported": 2,
    "commands/test_landing_zones_exported.py::test_with_the_same_marks_nothing_is_left_to_do": 4,
    "commands/test_live_changes.py::test_it_is_refused_by_name": 4,
    "commands/test_snapshot.py::test_the_plan_is_the_live_one": 4,
    "crash/test_fault_matrix.py::test_no_error_quotes_a_value": 3,
    "crash/test_fault_matrix.py::test_no_header_undoes_a_call_that_shows_values": 7,
    "crash/test_file_kills.py::test_killed_at_a_file_call_one_more_apply_finishes": 2,
    "crash/test_kills.py::test_ended_at_a_request_one_more_apply_finishes": 5,
    "crash/test_two_at_once.py::test_from_two_machines_one_key_is_left": 3,
    "manifest/test_hostile.py::test_it_ends_within_200_mib": 9,
    "network/test_answers.py::test_an_answer_that_drips_ends": 4,
    "plan_apply/test_command_line.py::test_a_person_is_asked_for_yes": 3,
    "plan_apply/test_committed_links.py::test_a_linked_file_is_refused_or_replaced": 3,
    "plan_apply/test_edits.py::test_an_edit_is_the_calls_it_names": 6,
    "plan_apply/test_faults.py::test_a_create_is_done_once": 6,
    "plan_apply/test_faults.py::test_a_look_that_shows_nothing_stops_that_change_alone": 3,
    "plan_apply/test_faults.py::test_a_reading_that_cannot_be_read_is_named": 3,
    "plan_apply/test_guards.py::test_a_value_idle_for_a_day_may_go": 2,
    "plan_apply/test_guards.py::test_a_value_in_use_is_not_invalidated": 2,
    "plan_apply/test_identity.py::test_a_key_that_was_moved_and_is_no_longer_declared_is_deleted": 2,
    "plan_apply/test_identity.py::test_what_carries_a_copy_of_the_tag_is_never_touched": 7,
    "plan_apply/test_landing_zones.py::test_a_landing_zone_comes_and_goes": 14,
    "plan_apply/test_links_everywhere.py::test_no_link_leads_a_write_outside": 11,
    "plan_apply/test_ownership.py::test_a_copied_mark_deletes_nothing": 2,
    "plan_apply/test_quoted_values.py::test_no_refusal_makes_a_value_leave": 4,
    "plan_apply/test_renames.py::test_a_name_that_another_takes_in_the_same_apply": 2,
    "plan_apply/test_saved_plans.py::test_another_tenancy_content_is_refused": 2,
    "plan_apply/test_sink_drift.py::test_a_file_that_was_opened_to_others_is_drift_and_closed": 4,
    "plan_apply/test_sink_drift.py::test_a_harmed_sink_in_use_is_drift_and_is_copied_from_another": 2,
    "plan_apply/test_sink_drift.py::test_a_second_machine_renews_nothing_that_the_first_delivered": 2,
    "plan_apply/test_sink_drift.py::test_a_sink_that_moves_takes_the_value_along": 4,
    "plan_apply/test_sink_drift.py::test_where_no_sink_can_give_it_the_standby_is_renewed_and_never_the_one_in_use": 2,
    "plan_apply/test_streams.py::test_a_hang_up_loses_nothing_although_nobody_reads_any_more": 2,
    "plan_apply/test_streams.py::test_a_report_that_cannot_be_written_stops_no_change": 2,
    "plan_apply/test_streams.py::test_a_signal_between_an_answer_and_its_sink_loses_no_value": 2,
    "plan_apply/test_streams.py::test_an_output_that_cannot_be_written_is_an_error": 4,
    "policy_planning/test_outages.py::test_a_move_that_was_stopped_is_finished_without_a_failing_caller": 4,
    "policy_planning/test_outages.py::test_a_rename_that_was_stopped_is_finished_by_one_more_apply": 3,
    "policy_planning/test_outages.py::test_what_leaves_access_as_it_is_disturbs_no_caller": 2,
    "policy_planning/test_outages.py::test_what_takes_access_from_a_key_in_use_is_refused": 2,
    "policy_planning/test_preflight.py::test_a_name_that_is_nobodys_is_reported_before_the_first_write": 3,
    "policy_planning/test_recreated_names.py::test_a_policy_written_for_what_was_made_again_is_written_again": 3,
    "policy_planning/test_recreated_names.py::test_another_wording_is_no_change": 2,
    "policy_planning/test_statement_forms.py::test_a_form_is_read_and_printed_back": 3,
    "render/test_hostile.py::test_html_keeps_it_text": 3,
    "render/test_hostile.py::test_json_gives_the_text_back": 3,
    "render/test_hostile.py::test_markdown_keeps_it_inside_code": 3,
    "render/test_hostile.py::test_markdown_says_nothing_to_programs_that_do_not_parse_it": 3,
    "render/test_hostile.py::test_no_rendering_holds_a_control_or_a_command": 3,
    "render/test_hostile.py::test_text_cannot_imitate_a_line": 3,
    "reports/test_checkouts.py::test_a_folder_of_secrets_that_others_may_write_to_is_refused_before_a_value_is_created": 4,
    "reports/test_checkouts.py::test_a_user_without_an_entry": 3,
    "reports/test_checkouts.py::test_no_locale_breaks_a_file_or_ends_in_a_traceback": 9,
    "reports/test_exported_names.py::test_every_name_is_exported_valid_canonical_and_whole": 3,
    "reports/test_signing_keys.py::test_what_the_sdk_takes_is_taken": 4,
    "rotation/test_next_step.py::test_a_leak_is_answered_to_its_end_wherever_the_first_run_stopped": 4,
    "rotation/test_next_step.py::test_a_program_that_outlives_the_run_has_delivered": 2,
    "sinks/test_addresses_are_not_covered.py::test_the_region_is_reported_after_a_delivery": 3,
    "sinks/test_file_kills.py::test_a_write_killed_at_a_call_leaves_the_old_value_or_the_new": 2,
    "sinks/test_repeated_requests.py::test_a_write_whose_answer_is_lost_is_made_once": 3,
    "sinks/test_repeated_requests.py::test_an_end_whose_answer_is_lost": 3,
    "sinks/test_repeated_requests.py::test_what_is_refused_for_now_is_asked_again": 3,
    "vault_sink/test_delivery.py::test_the_compartment_may_be_named_in_every_way": 2,
    "vault_sink/test_rotation.py::test_a_file_and_a_vault_agree_again_after_one_of_them_failed": 2,
    "vault_sink/test_rotation.py::test_a_run_killed_before_a_vault_write_is_healed_by_the_next": 2,
    "vault_sink/test_vault_client.py::test_a_change_whose_answer_was_lost_happens_once": 3,
    "vault_sink/test_vault_client.py::test_an_answer_of_another_shape_is_a_failure_that_names_the_call": 4,
}


def mark_slices(items: Iterable[pytest.Item]) -> None:
    """Add the mark `matrix` to the cases that are left out of the ordinary line. Raises UsageError for a test that is not there."""
    seen = set[str]()
    files = set[str]()
    for name, cases in groupby(items, key=_name_of):
        files.add(name.partition("::")[0])
        every = _EVERY.get(name)
        if every is None:
            continue
        seen.add(name)
        for position, case in enumerate(case for case in cases if case.get_closest_marker("matrix") is None):
            if position % every:
                case.add_marker("matrix")
    gone = sorted(name for name in _EVERY.keys() - seen if name.partition("::")[0] in files)
    if gone:
        raise pytest.UsageError(f"tests/slices.py names tests that are not there: {', '.join(gone)}")


def _name_of(item: pytest.Item) -> str:
    path, _, test = item.nodeid.partition("::")
    return f"{path.removeprefix('tests/')}::{test.partition('[')[0]}"

"""What judges the rules that no vector and no live case of their own id judges.

A rule that was split keeps its id, and the cases of the suite keep theirs: a live case of the old
id judges the new rule as well. ``live:`` is a case of the suite, ``vector:`` a vector, and all else
a test.
"""

UNIT = "tests/unit/test_"
INTEROP = "tests/interop/test_"
CONNECTION = f"{UNIT}connection"

JUDGED = {
    "F-19": f"{UNIT}vectors.py::test_a_frame_is_read_as_its_vector_says",
    "X-12": f"{UNIT}raw_item.py::test_the_value_is_in_python",
    "N-1": f"{CONNECTION}_grease.py::test_one_frame_in_so_many_has_a_key_that_receivers_ignore",
    "N-2": f"{CONNECTION}_grease.py::test_one_frame_in_so_many_has_a_key_that_receivers_ignore",
    "N-3": f"{UNIT}service.py::test_names_of_the_specification_are_refused",
    "N-4": f"{UNIT}conformance.py::"
    "test_conformance_service_serves_the_methods_of_the_specification",
    "N-5": f"{INTEROP}timings.py::test_who_is_not_trusted_is_refused",
    "N-6": f"{UNIT}tracing_extras.py::test_a_carrier_that_is_no_text_map_is_empty",
    "G-1": f"{INTEROP}old_peer.py::test_the_old_peer_decodes_every_valid_frame",
    "G-2": f"{INTEROP}old_peer.py::"
    "test_a_kind_that_the_old_peer_does_not_know_is_dropped_and_the_next_frame_read",
    "G-3": f"{CONNECTION}_hello.py::test_nothing_is_said_to_a_side_that_sent_no_frame",
    "G-4": f"{CONNECTION}_hello.py::test_evidence_of_one_connection_is_none_for_another",
    "G-5": f"{CONNECTION}_modes.py::test_messages_go_in_envelopes_to_a_side_that_sent_one",
    "G-10": f"{CONNECTION}_not_understood.py::"
    "test_a_response_with_an_unknown_even_key_fails_its_call",
    "G-12": f"{CONNECTION}_hello.py::test_even_keys_go_only_to_a_side_that_listed_them",
    "G-14": f"{CONNECTION}_not_understood.py::test_kinds_above_7_are_not_said",
    "G-15": f"{CONNECTION}_modes.py::test_bare_messages_are_received",
    "G-16": f"{CONNECTION}_modes.py::test_before_the_hello_other_frames_are_dropped_and_counted",
    "G-17": "vector:L-1/others-kept-as-context-appears",
    "G-18": f"{CONNECTION}_modes.py::test_before_the_hello_an_invalid_request_is_not_answered",
    "G-19": f"{CONNECTION}_modes.py::test_what_wants_an_answer_waits_for_the_hello",
    "C-1": "vector:S-7/kind-3",
    "C-6": f"{CONNECTION}_invalid.py::test_an_invalid_response_fails_its_call",
    "C-11": f"{CONNECTION}.py::test_ids_of_calls_ascend",
    "C-12": f"{CONNECTION}.py::test_the_last_id_begins_a_call_and_then_the_side_drains",
    "C-18": f"{CONNECTION}_drain.py::test_after_goaway_neither_side_starts_anything",
    "C-27": f"{INTEROP}matrix.py::test_every_message_arrives_as_the_specification_says",
    "C-30": "live:C-2/ping",
    "C-31": "live:C-2/nothing-else",
    "C-32": "live:C-4/fifteen",
    "C-33": f"{CONNECTION}_invalid.py::test_an_invalid_request_is_answered_and_not_executed",
    "C-34": f"{UNIT}records.py::test_memory_grows_with_the_bytes_that_came",
    "C-35": f"{CONNECTION}_hello.py::test_an_acceptor_s_hello_comes_before_the_first_answer",
    "C-36": "live:C-7/nobody-waits",
    "C-37": f"{CONNECTION}_hello.py::test_a_hello_is_written_by_the_rules_of_extension_values",
    "C-38": "live:C-10/unknown-keys",
    "C-39": "live:C-11/receivers",
    "C-40": f"{CONNECTION}_cancel.py::test_a_side_that_gives_no_sign_of_life_is_given_up",
    "C-41": "live:C-15/cleared",
    "C-42": "live:C-16/cancelled",
    "C-43": f"{CONNECTION}_cancel.py::test_what_a_cancel_holds_is_ignored",
    "C-44": "live:C-20/cancel-flood",
    "C-45": f"{CONNECTION}_cancel.py::test_a_call_that_is_over_is_not_cancelled",
    "C-46": f"{CONNECTION}_drain.py::test_a_drain_says_the_last_id_that_was_accepted",
    "C-47": "live:C-18/later",
    "C-48": f"{CONNECTION}_drain.py::test_nothing_runs_while_input_is_read_to_its_end",
    "C-49": f"{CONNECTION}_drain.py::test_what_nobody_answers_is_finished_like_a_call",
    "C-51": f"{UNIT}goaway.py::test_what_cannot_be_read_says_that_any_request_may_have_run",
    "C-52": "live:C-17/without-calls",
    "C-53": f"{CONNECTION}_drain.py::test_calls_that_a_goaway_does_not_accept_fail_at_once",
    "C-54": f"{CONNECTION}_drain.py::"
    "test_an_acceptor_that_read_no_frame_yet_says_goaway_after_the_first",
    "C-55": "live:C-19/half-close",
    "C-56": f"{CONNECTION}_drain.py::test_a_second_goaway_changes_nothing",
    "C-57": f"{CONNECTION}_errors.py::test_a_connection_error_is_said_with_its_status",
    "C-58": "live:C-20/unanswered",
    "C-59": f"{CONNECTION}_errors.py::"
    "test_after_a_connection_error_input_is_discarded_for_a_second",
    "C-60": f"{CONNECTION}_errors.py::test_a_connection_error_fails_calls_and_cancels_handlers",
    "C-61": f"{UNIT}status.py::test_details_that_do_not_fit_go_before_the_message_does",
    "C-62": "live:C-22/every-status",
    "C-63": "live:C-23/even-keys-before-timeout",
    "C-64": f"{INTEROP}peers_cancel.py::"
    "test_a_cancel_at_hand_comes_before_method_and_body_are_asked",
    "C-65": f"{UNIT}status.py::test_unknown_keys_are_ignored_and_the_first_of_duplicates_counts",
    "C-66": f"{CONNECTION}_hello.py::test_a_request_may_be_as_long_as_the_other_side_reads",
    "C-67": "live:C-8/max-frame",
    "C-68": f"{INTEROP}peers_bodies.py::"
    "test_another_exception_is_logged_and_tells_the_caller_nothing_of_itself",
    "C-69": f"{INTEROP}peers_answers.py::test_what_a_nested_call_executed_is_not_what_this_one_did",
    "C-71": f"{INTEROP}peers_deadlines.py::test_a_nested_call_inherits_the_deadline",
    "C-72": f"{CONNECTION}_deadlines.py::test_the_caller_s_side_enforces_the_deadline",
    "C-73": f"{CONNECTION}_deadlines.py::test_timeouts_are_rounded_down_and_have_a_maximum",
    "C-74": f"{CONNECTION}_deadlines.py::test_a_timeout_of_0_is_never_sent",
    "C-75": "live:C-24/first-byte",
    "C-76": "live:C-24/notification",
    "C-77": f"{UNIT}tracing.py::test_the_timeout_of_a_message_that_was_stored_is_ignored",
    "C-78": f"{CONNECTION}_overload.py::test_reading_does_not_pause_at_the_limit",
    "C-80": f"{CONNECTION}_cancel.py::test_cancels_are_applied_before_handlers_start",
    "C-79": f"{CONNECTION}_held.py::"
    "test_one_connection_has_a_quarter_of_the_slots_while_others_want_some",
    "C-81": f"{CONNECTION}_waiting.py::"
    "test_those_that_wait_are_sent_in_the_order_in_which_they_came",
    "C-82": f"{INTEROP}peers_waiting.py::test_a_result_waits_once_the_limit_is_not_written",
    "C-83": f"{CONNECTION}_waiting.py::test_what_may_not_wait_passes_those_that_do",
    "C-84": f"{INTEROP}peers_waiting.py::test_what_does_not_wait_has_at_most_a_mebibyte",
    "C-85": f"{CONNECTION}_waiting.py::test_the_timeout_is_written_when_the_call_is_admitted",
    "C-86": f"{CONNECTION}_waiting.py::test_a_goaway_ends_waits_of_calls_and_notifications_alone",
    "C-87": f"{INTEROP}peers_waiting.py::test_no_handler_starts_while_more_than_the_limit_waits",
    "C-88": f"{CONNECTION}_held.py::test_they_start_in_order_once_they_may",
    "C-89": f"{INTEROP}peers_waiting.py::test_what_may_not_start_has_as_many_bytes_as_the_limit",
    "C-90": f"{CONNECTION}_held.py::test_a_notification_over_the_bytes_is_dropped_and_counted",
    "C-91": f"{CONNECTION}_held.py::test_a_request_that_ends_in_the_queue_is_answered_at_once",
    "C-92": f"{CONNECTION}_waiting.py::test_a_result_that_waits_is_replaced_by_a_cancel_or_expiry",
    "C-93": f"{CONNECTION}_waiting.py::"
    "test_a_result_that_waits_keeps_its_id_and_not_the_servers_slot",
    "C-94": f"{INTEROP}peers_waiting.py::"
    "test_the_connection_with_most_of_it_ends_where_a_server_holds_too_much",
    "C-95": f"{INTEROP}peers_stalls.py::test_who_takes_too_little_is_cut_off",
    "C-96": f"{INTEROP}peers_stalls.py::test_who_takes_nothing_of_less_than_the_limit_has_longer",
    "C-97": f"{CONNECTION}.py::test_a_status_that_is_not_assigned_reads_as_unknown",
    "C-100": f"{CONNECTION}_drain.py::test_a_notification_is_heard_while_calls_are_finished",
    "C-102": f"{CONNECTION}_held.py::"
    "test_empty_notifications_are_counted_as_the_memory_that_they_take",
    "C-101": f"{CONNECTION}_errors.py::test_a_side_that_drains_says_a_connection_error_as_well",
    "T-1": f"{UNIT}tracing.py::test_the_receivers_sampler_decides_what_is_undecided",
    "T-2": f"{UNIT}tracing.py::"
    "test_a_parent_based_sampler_starts_no_root_below_what_is_not_sampled",
    "T-3": f"{UNIT}tracing.py::test_the_callers_ids_are_current_and_remote",
    "T-4": f"{UNIT}tracing.py::test_each_policy_sends_each_state_as_specified",
    "T-5": f"{UNIT}tracing_trust.py::test_link_links_to_the_callers_ids_and_to_nothing_else",
    "T-6": f"{UNIT}tracing_trust.py::test_ignore_links_to_nothing",
    "T-7": f"{UNIT}tracing_trust.py::"
    "test_over_the_rate_strangers_are_not_sampled_and_the_sampler_is_not_asked",
    "T-8": f"{UNIT}fanout.py::test_the_weights_of_a_fan_out_sum_to_its_recipients",
    "T-9": f"{UNIT}fanout.py::"
    "test_a_sender_that_is_not_sampled_or_undecided_tells_all_that_it_is_not",
    "T-10": f"{UNIT}fanout.py::test_a_broadcast_asks_its_receivers_to_draw",
    "T-11": f"{UNIT}fanout.py::test_a_receiver_that_is_drawn_multiplies_the_pair",
    "T-12": f"{UNIT}fanout.py::test_a_pair_is_reduced_and_halved_until_it_fits",
    "T-13": f"{UNIT}tracing.py::test_a_fanout_with_a_usable_trace_continues_it",
    "T-14": f"{INTEROP}tracing_peers.py::test_a_response_says_nothing_of_a_trace",
    "T-15": f"{INTEROP}tracing_peers.py::test_a_trace_in_a_response_is_ignored",
    "T-16": f"{UNIT}tracing_gate.py::test_a_bare_message_leaves_the_context_as_it_is",
    "T-17": f"{UNIT}tracing.py::test_a_bare_message_is_undecided",
    "T-18": f"{UNIT}tracing_gate.py::test_each_false_has_a_trace_of_its_own_that_goes_on_as_false",
    "T-19": f"{UNIT}tracing_trust.py::test_a_stranger_decides_nothing",
    "T-21": f"{UNIT}tracing_trust.py::test_messages_over_the_rate_are_received_as_not_sampled",
    "T-22": f"{UNIT}tracing_trust.py::test_the_default_trust_is_by_who_can_be_there",
    "T-23": f"{UNIT}fanout.py::test_a_fan_out_without_a_trace_starts_no_root",
    "T-24": f"{UNIT}fanout.py::test_the_weights_of_receivers_that_draw_sum_to_all_on_average",
    "T-25": f"{UNIT}fanout.py::test_a_receiver_that_is_not_drawn_passes_it_on_as_not_sampled",
    "T-27": f"{UNIT}tracing_weights.py::"
    "test_numbers_from_outside_are_brought_below_what_otlp_takes",
    "T-28": f"{UNIT}tracing_weights.py::test_spans_of_both_sides_and_what_is_sent_have_the_numbers",
    "T-29": f"{UNIT}tracing_weights.py::test_numbers_count_for_the_trace_they_came_with_alone",
    "T-30": f"{UNIT}tracing_extras.py::test_the_copy_that_is_not_sampled_has_no_carrier",
    "T-31": f"{UNIT}tracing_gate.py::test_forked_workers_draw_for_themselves",
    "T-32": f"{UNIT}tracestate.py::test_the_threshold_alone_is_erased",
    "R-1": f"{INTEROP}model.py::test_each_claim_is_broken_by_a_variant",
    "R-2": f"{UNIT}rollout.py::test_a_switch_to_frames_is_made_once_every_receiver_reads_them",
    "R-3": f"{INTEROP}model.py::test_each_claim_is_broken_by_a_variant",
}

#: Rules that nothing judges yet. None may be added.
UNJUDGED = frozenset(
    [
        # Terminating relays: the package has none yet, and no program that is asked is one.
        *("C-28", "C-29", "C-98", "C-99", "T-26"),
        "T-20",  # a listener of ours has no time of its own that a timeout could lengthen
    ]
)

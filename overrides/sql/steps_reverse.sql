DROP TRIGGER take_step ON overrides_step;
DROP TRIGGER moves ON overrides_override;
DROP TRIGGER request ON overrides_override;
DROP TRIGGER no_removal ON overrides_override;
DROP FUNCTION journal.take_step(), journal.override_moves(), journal.request_override(),
    journal.check_step_batch(public.overrides_override, public.overrides_step),
    journal.step_data(public.overrides_override, public.overrides_step, text, timestamptz),
    journal.check_moment(public.overrides_override, text, text, timestamptz),
    journal.state_after(public.overrides_override, public.overrides_step),
    journal.check_taker(public.overrides_override, public.overrides_step),
    journal.ratify_by(public.overrides_override, timestamptz), journal.step_type(text),
    journal.bad_line(bigint, jsonb), journal.moment(timestamptz), journal.override_name(int);

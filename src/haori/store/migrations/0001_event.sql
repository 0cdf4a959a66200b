-- What happened and who did it: read by audit and timeline, written once.
CREATE TABLE event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream text NOT NULL,
    at timestamptz NOT NULL,
    code text NOT NULL,
    who text NOT NULL DEFAULT '',
    project text NOT NULL DEFAULT '',
    object text NOT NULL DEFAULT '',
    outcome text NOT NULL DEFAULT '',
    parameters jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX event_by_stream ON event (stream, id);
CREATE INDEX event_by_object ON event (object, id) WHERE object <> '';

CREATE FUNCTION refuse_change_of_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are only ever added' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_event();

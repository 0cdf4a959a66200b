-- Lists of applications that somebody gave a name for everybody.
CREATE TABLE view (
    name text PRIMARY KEY,
    search text NOT NULL,
    subject text NOT NULL,
    issuer text NOT NULL,
    changed_at timestamptz NOT NULL
);

-- Who is signed in, and by what: of every secret only a hash is kept.
CREATE TABLE session (
    id text PRIMARY KEY,
    secret_hash bytea NOT NULL UNIQUE,
    subject text NOT NULL,
    issuer text NOT NULL,
    groups text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- Of an identity provider: until when its word counts, and, sealed, what it wants to see to give it anew.
    fresh_until timestamptz,
    sealed bytea
);
CREATE INDEX session_by_subject ON session (subject, issuer, seen_at);
CREATE INDEX session_by_end ON session (expires_at);

CREATE TABLE token (
    id text PRIMARY KEY,
    secret_hash bytea NOT NULL UNIQUE,
    name text NOT NULL,
    subject text NOT NULL,
    issuer text NOT NULL,
    groups text[] NOT NULL DEFAULT '{}',
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX token_by_subject ON token (subject, issuer, created_at);

CREATE TABLE sign_in_link (
    code_hash bytea PRIMARY KEY,
    subject text NOT NULL,
    issuer text NOT NULL,
    expires_at timestamptz NOT NULL
);

-- One row: what every request needs to know before it starts.
CREATE TABLE world (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  tenancy TEXT NOT NULL,
  administrators TEXT NOT NULL,        -- OCID of the group whose members may do everything
  clock_offset INTEGER NOT NULL DEFAULT 0,
  settings TEXT NOT NULL DEFAULT '{}', -- JSON: only what differs from the defaults
  policy_generation INTEGER NOT NULL DEFAULT 0,
  faults INTEGER NOT NULL DEFAULT 0    -- how many are armed: none means nobody looks
);

-- Everything with an OCID. `body` is what the other columns do not say, as JSON.
CREATE TABLE resources (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  region TEXT NOT NULL,
  compartment TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER,
  visible INTEGER NOT NULL,            -- from when; reads lag behind it by settings.consistencyDelay
  etag TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX resources_by_time ON resources (kind, compartment, created, seq);
CREATE INDEX resources_by_name ON resources (kind, compartment, name, seq);
CREATE INDEX resources_by_place ON resources (compartment, state);

CREATE TABLE memberships (id TEXT PRIMARY KEY, user TEXT NOT NULL, team TEXT NOT NULL, created INTEGER NOT NULL,
  UNIQUE (user, team));
-- Users whose profile holds a session token in the place of a key.
CREATE TABLE sessions (user TEXT PRIMARY KEY);
CREATE TABLE user_keys (fingerprint TEXT NOT NULL, user TEXT NOT NULL, pem TEXT NOT NULL, created INTEGER NOT NULL,
  PRIMARY KEY (user, fingerprint));

-- Policies as compiled when they were written; closed rows remain for settings.propagationDelay.
CREATE TABLE rules (
  policy TEXT NOT NULL,
  attached TEXT NOT NULL,
  position INTEGER NOT NULL,
  text TEXT NOT NULL,
  compiled TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER
);
CREATE INDEX rules_by_policy ON rules (policy, until);
-- statements in force are counted at each write of a policy; files that were made without it only count more slowly
CREATE INDEX rules_in_force ON rules (attached) WHERE until IS NULL;

-- The one or two secrets of an API key. The value itself is nowhere: only its SHA-256 and its mask.
CREATE TABLE key_secrets (
  api_key TEXT NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  mask TEXT NOT NULL,
  state TEXT NOT NULL,
  created INTEGER NOT NULL,
  expiry INTEGER NOT NULL,
  activated INTEGER,
  deactivated INTEGER,
  revoked INTEGER,
  last_used INTEGER,
  PRIMARY KEY (api_key, position)
) WITHOUT ROWID;
-- What the inference endpoints believe of a value, and from when to when.
CREATE TABLE credentials (
  digest BLOB NOT NULL,
  api_key TEXT NOT NULL,
  position INTEGER NOT NULL,
  state TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER
);
CREATE INDEX credentials_by_digest ON credentials (digest, until);
CREATE INDEX credentials_by_key ON credentials (api_key, position, until);

CREATE TABLE secret_versions (
  secret TEXT NOT NULL,
  number INTEGER NOT NULL,
  name TEXT,
  stages TEXT NOT NULL,                -- JSON list, without LATEST and DEPRECATED, which follow from the rest
  sealed BLOB NOT NULL,
  digest BLOB NOT NULL,
  created INTEGER NOT NULL,
  deletion INTEGER,
  PRIMARY KEY (secret, number)
) WITHOUT ROWID;

CREATE TABLE objects (
  bucket TEXT NOT NULL,
  name TEXT NOT NULL,
  etag TEXT NOT NULL,
  md5 TEXT NOT NULL,
  content_type TEXT NOT NULL,
  metadata TEXT NOT NULL,
  modified INTEGER NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (bucket, name)
) WITHOUT ROWID;

-- What time will bring: work requests that end, resources that become ACTIVE.
CREATE TABLE pending (seq INTEGER PRIMARY KEY AUTOINCREMENT, due INTEGER NOT NULL, work TEXT NOT NULL, target TEXT NOT NULL,
  detail TEXT NOT NULL);
CREATE INDEX pending_by_due ON pending (due);

CREATE TABLE retry_tokens (
  token BLOB PRIMARY KEY,              -- SHA-256 over caller, operation and token
  request BLOB NOT NULL,               -- SHA-256 of the body
  resource TEXT NOT NULL,
  status INTEGER NOT NULL,
  headers TEXT NOT NULL,
  masked TEXT NOT NULL,                -- the body without plaintext
  sealed BLOB,                         -- the body with it, under a key only the token gives
  used INTEGER NOT NULL
);

CREATE TABLE faults (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  operation TEXT NOT NULL,
  nth INTEGER NOT NULL,
  count INTEGER NOT NULL,
  side TEXT NOT NULL,
  effect TEXT NOT NULL,
  seen INTEGER NOT NULL DEFAULT 0
);

-- Answers scripted through the control API, in the order they are tried.
CREATE TABLE inference_scripts (seq INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0);

-- Responses that can be fetched and continued; the newest ones. `body` is the response, `said` the conversation, as JSON.
CREATE TABLE model_responses (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  body TEXT NOT NULL,
  said TEXT NOT NULL
);

CREATE TABLE calls (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  service TEXT NOT NULL,
  operation TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  query TEXT NOT NULL,
  region TEXT NOT NULL,
  principal TEXT NOT NULL,
  status INTEGER NOT NULL,
  code TEXT NOT NULL
);
-- Beside a call: variables that conditions asked for and that no request here carries.
CREATE TABLE unfilled (n INTEGER PRIMARY KEY, variables TEXT NOT NULL);

-- What the Audit service lists: no body, no answer, no signature of a call.
CREATE TABLE audit_events (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  event TEXT NOT NULL,                 -- hex digits of a UUID
  region TEXT NOT NULL,
  service TEXT NOT NULL,
  operation TEXT NOT NULL,
  compartment TEXT NOT NULL,
  resource TEXT NOT NULL,              -- OCID; empty when the call was about none
  resource_name TEXT NOT NULL,
  principal TEXT NOT NULL,             -- OCID
  principal_name TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  query TEXT NOT NULL,
  agent TEXT NOT NULL,
  request_id TEXT NOT NULL,
  status INTEGER NOT NULL,
  code TEXT NOT NULL
);

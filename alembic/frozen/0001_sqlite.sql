-- What migration 0001 adds to SQLite. Landed: never edit; a change is a new migration.
--
-- RAISE(ABORT) undoes the statement that asked for it, whatever its OR clause says (REPLACE and IGNORE included).
-- Moments are text here and compared as text, so another way to write one would sort wrongly for ever.

CREATE TRIGGER refuse_update_rule_set_version BEFORE UPDATE ON rule_set_version FOR EACH ROW BEGIN
  SELECT RAISE(ABORT, 'rule_set_version only grows: UPDATE is refused');
END;

CREATE TRIGGER refuse_delete_rule_set_version BEFORE DELETE ON rule_set_version FOR EACH ROW BEGIN
  SELECT RAISE(ABORT, 'rule_set_version only grows: DELETE is refused');
END;

CREATE TRIGGER refuse_insert_rule_set_version BEFORE INSERT ON rule_set_version FOR EACH ROW BEGIN
  SELECT RAISE(ABORT, 'this version or digest is published already and stays as it is')
  WHERE EXISTS (SELECT 1 FROM rule_set_version WHERE version = NEW.version OR digest = NEW.digest);
  SELECT RAISE(ABORT, 'published_at is written as YYYY-MM-DD HH:MM:SS.ffffff in UTC')
  WHERE NEW.published_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]';
  SELECT RAISE(ABORT, 'authors is a JSON list')
  WHERE CASE WHEN json_valid(NEW.authors) THEN json_type(NEW.authors) END IS NOT 'array';
END;

CREATE TRIGGER refuse_update_rule_set_activation BEFORE UPDATE ON rule_set_activation FOR EACH ROW BEGIN
  SELECT RAISE(ABORT, 'rule_set_activation only grows: UPDATE is refused');
END;

CREATE TRIGGER refuse_delete_rule_set_activation BEFORE DELETE ON rule_set_activation FOR EACH ROW BEGIN
  SELECT RAISE(ABORT, 'rule_set_activation only grows: DELETE is refused');
END;

CREATE TRIGGER refuse_insert_rule_set_activation BEFORE INSERT ON rule_set_activation FOR EACH ROW BEGIN
  SELECT RAISE(ABORT, 'an activation takes the next sequence number')
  WHERE NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM rule_set_activation);
  SELECT RAISE(ABORT, 'only a published version can be activated')
  WHERE NEW.version IS NOT NULL AND NOT EXISTS (SELECT 1 FROM rule_set_version WHERE version = NEW.version);
  SELECT RAISE(ABORT, 'a withdrawn version is never activated')
  WHERE EXISTS (SELECT 1 FROM rule_set_withdrawal WHERE version = NEW.version);
  SELECT RAISE(ABORT, 'activated_at is written as YYYY-MM-DD HH:MM:SS.ffffff in UTC')
  WHERE NEW.activated_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]';
  SELECT RAISE(ABORT, 'effective_at is written as YYYY-MM-DD HH:MM:SS.ffffff in UTC')
  WHERE NEW.effective_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]';
  SELECT RAISE(ABORT, 'cancels is a JSON list')
  WHERE CASE WHEN json_valid(NEW.cancels) THEN json_type(NEW.cancels) END IS NOT 'array';
  SELECT RAISE(ABORT, 'cancels names earlier activations only')
  WHERE EXISTS (
    SELECT 1 FROM json_each(NEW.cancels) AS named
    WHERE named.type <> 'integer' OR named.value NOT IN (SELECT sequence FROM rule_set_activation)
  );
  SELECT RAISE(ABORT, 'an activation activates something or cancels something')
  WHERE NEW.version IS NULL AND json_array_length(NEW.cancels) = 0;
END;

CREATE TRIGGER refuse_update_rule_set_withdrawal BEFORE UPDATE ON rule_set_withdrawal FOR EACH ROW BEGIN
  SELECT RAISE(ABORT, 'rule_set_withdrawal only grows: UPDATE is refused');
END;

CREATE TRIGGER refuse_delete_rule_set_withdrawal BEFORE DELETE ON rule_set_withdrawal FOR EACH ROW BEGIN
  SELECT RAISE(ABORT, 'rule_set_withdrawal only grows: DELETE is refused');
END;

CREATE TRIGGER refuse_insert_rule_set_withdrawal BEFORE INSERT ON rule_set_withdrawal FOR EACH ROW BEGIN
  SELECT RAISE(ABORT, 'a withdrawal takes the next sequence number')
  WHERE NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM rule_set_withdrawal);
  SELECT RAISE(ABORT, 'only a published version can be withdrawn')
  WHERE NOT EXISTS (SELECT 1 FROM rule_set_version WHERE version = NEW.version);
  SELECT RAISE(ABORT, 'this version is withdrawn already')
  WHERE EXISTS (SELECT 1 FROM rule_set_withdrawal WHERE version = NEW.version);
  SELECT RAISE(ABORT, 'withdrawn_at is written as YYYY-MM-DD HH:MM:SS.ffffff in UTC')
  WHERE NEW.withdrawn_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]';
END;

CREATE TRIGGER refuse_update_api_key BEFORE UPDATE ON api_key FOR EACH ROW BEGIN
  SELECT RAISE(ABORT, 'a key can be revoked, once, and changed in no other way')
  WHERE OLD.revoked_at IS NOT NULL OR NEW.revoked_at IS NULL
    OR NEW.prefix IS NOT OLD.prefix OR NEW.hash IS NOT OLD.hash OR NEW.name IS NOT OLD.name
    OR NEW.owner IS NOT OLD.owner OR NEW.scopes IS NOT OLD.scopes OR NEW.created_at IS NOT OLD.created_at
    OR NEW.expires_at IS NOT OLD.expires_at;
  SELECT RAISE(ABORT, 'revoked_at is written as YYYY-MM-DD HH:MM:SS.ffffff in UTC')
  WHERE NEW.revoked_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]';
END;

CREATE TRIGGER refuse_delete_api_key BEFORE DELETE ON api_key FOR EACH ROW BEGIN
  SELECT RAISE(ABORT, 'a key is revoked, never deleted');
END;

CREATE TRIGGER refuse_insert_api_key BEFORE INSERT ON api_key FOR EACH ROW BEGIN
  SELECT RAISE(ABORT, 'this key exists already and stays as it is')
  WHERE EXISTS (SELECT 1 FROM api_key WHERE prefix = NEW.prefix OR hash = NEW.hash);
  SELECT RAISE(ABORT, 'created_at is written as YYYY-MM-DD HH:MM:SS.ffffff in UTC')
  WHERE NEW.created_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]';
  SELECT RAISE(ABORT, 'expires_at is written as YYYY-MM-DD HH:MM:SS.ffffff in UTC')
  WHERE NEW.expires_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]';
  SELECT RAISE(ABORT, 'scopes is a JSON list')
  WHERE CASE WHEN json_valid(NEW.scopes) THEN json_type(NEW.scopes) END IS NOT 'array';
END;

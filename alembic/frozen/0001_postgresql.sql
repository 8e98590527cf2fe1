-- What migration 0001 adds to PostgreSQL. Landed: never edit; a change is a new migration.
--
-- Other tables are named through the schema of the table that fired, so that no search_path and no temporary table of
-- the same name can mislead a check. The advisory lock is held until the end of the transaction: two writers never
-- check at the same time, which would let each of them miss what the other is about to commit. It is a lock that a
-- role with nothing but SELECT and INSERT may take.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
    MESSAGE = format('%s only grows: %s is refused', TG_TABLE_NAME, TG_OP);
END
$$;

CREATE FUNCTION refuse_rule_set_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  taken boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(7301266402002);
  EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.rule_set_version WHERE version = $1 OR digest = $2)', TG_TABLE_SCHEMA)
    INTO taken USING NEW.version, NEW.digest;
  IF taken THEN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
      MESSAGE = 'this version or digest is published already and stays as it is';
  END IF;
  IF jsonb_typeof(NEW.authors) IS DISTINCT FROM 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = 'authors is a JSON list';
  END IF;
  RETURN NEW;
END
$$;

CREATE FUNCTION refuse_rule_set_activation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last_sequence integer;
  withdrawn boolean;
  unknown boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(7301266402002);
  EXECUTE format('SELECT coalesce(max(sequence), 0) FROM %I.rule_set_activation', TG_TABLE_SCHEMA) INTO last_sequence;
  IF NEW.sequence IS DISTINCT FROM last_sequence + 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
      MESSAGE = 'an activation takes the next sequence number';
  END IF;
  EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.rule_set_withdrawal WHERE version = $1)', TG_TABLE_SCHEMA)
    INTO withdrawn USING NEW.version;
  IF withdrawn THEN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
      MESSAGE = 'a withdrawn version is never activated';
  END IF;
  IF jsonb_typeof(NEW.cancels) IS DISTINCT FROM 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = 'cancels is a JSON list';
  END IF;
  EXECUTE format(
    'SELECT EXISTS (SELECT 1 FROM jsonb_array_elements($1) AS named (entry) '
    'WHERE NOT EXISTS (SELECT 1 FROM %I.rule_set_activation AS earlier WHERE to_jsonb(earlier.sequence) = named.entry))',
    TG_TABLE_SCHEMA
  ) INTO unknown USING NEW.cancels;
  IF unknown THEN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
      MESSAGE = 'cancels names earlier activations only';
  END IF;
  IF NEW.version IS NULL AND jsonb_array_length(NEW.cancels) = 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
      MESSAGE = 'an activation activates something or cancels something';
  END IF;
  RETURN NEW;
END
$$;

CREATE FUNCTION refuse_rule_set_withdrawal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last_sequence integer;
  withdrawn boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(7301266402002);
  EXECUTE format('SELECT coalesce(max(sequence), 0) FROM %I.rule_set_withdrawal', TG_TABLE_SCHEMA) INTO last_sequence;
  IF NEW.sequence IS DISTINCT FROM last_sequence + 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
      MESSAGE = 'a withdrawal takes the next sequence number';
  END IF;
  EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.rule_set_withdrawal WHERE version = $1)', TG_TABLE_SCHEMA)
    INTO withdrawn USING NEW.version;
  IF withdrawn THEN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = 'this version is withdrawn already';
  END IF;
  RETURN NEW;
END
$$;

CREATE FUNCTION refuse_api_key() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  taken boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(7301266402002);
  EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.api_key WHERE prefix = $1 OR hash = $2)', TG_TABLE_SCHEMA)
    INTO taken USING NEW.prefix, NEW.hash;
  IF taken THEN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
      MESSAGE = 'this key exists already and stays as it is';
  END IF;
  IF jsonb_typeof(NEW.scopes) IS DISTINCT FROM 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = 'scopes is a JSON list';
  END IF;
  RETURN NEW;
END
$$;

CREATE FUNCTION refuse_api_key_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL OR NEW.revoked_at IS NULL
    OR to_jsonb(NEW) - 'revoked_at' - 'revoked_by' IS DISTINCT FROM to_jsonb(OLD) - 'revoked_at' - 'revoked_by'
  THEN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
      MESSAGE = 'a key can be revoked, once, and changed in no other way';
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER refuse_insert BEFORE INSERT ON rule_set_version
  FOR EACH ROW EXECUTE FUNCTION refuse_rule_set_version();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON rule_set_version
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON rule_set_version
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER refuse_insert BEFORE INSERT ON rule_set_activation
  FOR EACH ROW EXECUTE FUNCTION refuse_rule_set_activation();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON rule_set_activation
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON rule_set_activation
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER refuse_insert BEFORE INSERT ON rule_set_withdrawal
  FOR EACH ROW EXECUTE FUNCTION refuse_rule_set_withdrawal();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON rule_set_withdrawal
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON rule_set_withdrawal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER refuse_insert BEFORE INSERT ON api_key
  FOR EACH ROW EXECUTE FUNCTION refuse_api_key();
CREATE TRIGGER refuse_update BEFORE UPDATE ON api_key
  FOR EACH ROW EXECUTE FUNCTION refuse_api_key_change();
CREATE TRIGGER refuse_change BEFORE DELETE ON api_key
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON api_key
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The role that serves, and the rights that docs/handbook.md gives it. Run by the owner after every migration; running it
-- again changes nothing but the password, to what stands in the secret by then.
\set ON_ERROR_STOP on
\set password `cat /run/secrets/service-password`

SELECT 'CREATE ROLE joint_risk_service LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'joint_risk_service') \gexec
ALTER ROLE joint_risk_service PASSWORD :'password';

GRANT USAGE ON SCHEMA public TO joint_risk_service;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO joint_risk_service;
GRANT INSERT ON rule_set_version, rule_set_activation, rule_set_withdrawal TO joint_risk_service;
GRANT INSERT, UPDATE, DELETE ON rule_set_draft TO joint_risk_service;
GRANT INSERT, UPDATE ON api_key TO joint_risk_service;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO joint_risk_service;

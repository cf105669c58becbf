#!/bin/bash
# Fills three databases (rm_X, cm_X, cm_hb_X) with what a MetaDB holds after years: JSON
# configurations, tickets, checkpoints, heartbeats, and one table that outgrows all others.
#
#   generate.sh MYSQL_COMMAND SUFFIX MEGABYTES     e.g. generate.sh "mysql -S lab.sock" bench 500
#
# Needs MariaDB on the server's side (its sequence engine makes the rows). The same arguments give
# the same rows.
set -euo pipefail
read -ra mysql <<<"$1"
suffix=$2 mb=$3

# Rows for each megabyte, found by measuring data_length; together about 1 MB.
checkpoints=$((mb * 1700)) tickets=$((mb * 300)) configs=$((mb * 70)) metrics=$((mb * 1000))
beats=$((mb * 400)) blobs=$((mb / 10 + 1))

"${mysql[@]}" <<SQL
SET SESSION sql_mode='', unique_checks=0, foreign_key_checks=0;
DROP DATABASE IF EXISTS rm_$suffix; DROP DATABASE IF EXISTS cm_$suffix;
DROP DATABASE IF EXISTS cm_hb_$suffix;
CREATE DATABASE rm_$suffix CHARACTER SET utf8mb4; CREATE DATABASE cm_$suffix CHARACTER SET utf8mb4;
CREATE DATABASE cm_hb_$suffix CHARACTER SET utf8mb4;
USE rm_$suffix;
CREATE TABLE oms_normal_config (id bigint PRIMARY KEY AUTO_INCREMENT, cfg_name varchar(128) UNIQUE,
  cfg_value longtext, gmt_modified datetime);
INSERT INTO oms_normal_config(cfg_name, cfg_value) VALUES('ha.config', '{"enable":true,"refetchStoreIntervalMin":30}');
CREATE TABLE project_config (id bigint PRIMARY KEY AUTO_INCREMENT, project_id varchar(64) NOT NULL,
  config longtext, gmt_created datetime, gmt_modified timestamp NULL, KEY (project_id), KEY (gmt_created));
INSERT INTO project_config(project_id, config, gmt_created, gmt_modified)
  SELECT CONCAT('np_', MD5(seq DIV 3)),
  CONCAT('{"name":"迁移项目-', seq, '","source":{"host":"10.', seq % 250, '.', seq % 199, '.7","port":', 2881 + seq % 3,
    ',"user":"root@oms#c', seq % 17, '"},"tables":[', REPEAT(CONCAT('{"db":"trade_', seq % 31, '","table":"order_', seq % 977, '","where":"id > ', seq, '"},'), 18),
    '{"db":"last"}],"comment":"it\\'s \\\\\\\\ ok\\\\n"}'),
  '2024-01-01' + INTERVAL seq MINUTE, '2024-01-02' + INTERVAL seq MINUTE FROM seq_1_to_$configs;
CREATE TABLE ticket (id bigint PRIMARY KEY AUTO_INCREMENT, ticket_no char(32) NOT NULL UNIQUE, owner varchar(64),
  state enum('INIT','RUNNING','DONE','FAILED'), detail text, cost double, ratio float, attachment varbinary(200),
  gmt_created datetime(3), KEY owner_state (owner, state), KEY (gmt_created));
INSERT INTO ticket(ticket_no, owner, state, detail, cost, ratio, attachment, gmt_created)
  SELECT MD5(seq), CONCAT('user', seq % 300), 1 + seq % 4,
  CONCAT('ticket ', seq, ': ', REPEAT(CONCAT('step ', seq % 13, ' 完成, '), 12 + seq % 20)), seq / 7, seq / 3,
  UNHEX(SHA2(seq, 512)), '2024-01-01' + INTERVAL seq * 13 SECOND FROM seq_1_to_$tickets;
USE cm_$suffix;
CREATE TABLE checkpoint_log (id bigint PRIMARY KEY AUTO_INCREMENT, task_name varchar(128) NOT NULL, checkpoint bigint NOT NULL,
  position varchar(200), message varchar(500), gmt_created datetime, gmt_modified datetime,
  KEY task (task_name, checkpoint), KEY created (gmt_created));
INSERT INTO checkpoint_log(task_name, checkpoint, position, message, gmt_created, gmt_modified)
  SELECT CONCAT('task-', MD5(seq % 400), '-', seq % 7), 1700000000 + seq, CONCAT('{"scn":', seq * 7919, ',"offset":"', SHA1(seq), '"}'),
  CONCAT('store ', seq % 50, ' read ', seq * 31 % 10007, ' records, delay ', seq % 97, ' ms, filtered ', seq % 11, ' of ', SHA1(seq + 1), '; ', 'writer tps=', seq % 5003, ' rps=', seq % 9001),
  '2024-01-01' + INTERVAL seq SECOND, '2024-01-01' + INTERVAL seq + 1 SECOND FROM seq_1_to_$checkpoints;
CREATE TABLE metric (host_ip varchar(40) NOT NULL, name varchar(64) NOT NULL, at datetime NOT NULL, value double, tags varchar(100),
  PRIMARY KEY (host_ip, name, at));
INSERT INTO metric SELECT CONCAT('10.0.0.', seq % 5), CONCAT('metric.', seq % 40), '2024-01-01' + INTERVAL seq SECOND, SQRT(seq), CONCAT('region=cn-', seq % 3, ';az=', seq % 9)
  FROM seq_1_to_$metrics;
CREATE TABLE resource_file (id int PRIMARY KEY AUTO_INCREMENT, body longblob);
INSERT INTO resource_file(body) SELECT UNHEX(REPEAT(SHA2(seq, 512), 400 + seq % 300)) FROM seq_1_to_$blobs;
CREATE TABLE host (id int PRIMARY KEY AUTO_INCREMENT, ip varchar(40), host_status varchar(20));
INSERT INTO host(ip, host_status) SELECT CONCAT('127.0.0.', seq), 'ONLINE' FROM seq_1_to_20;
USE cm_hb_$suffix;
CREATE TABLE heart_beat (id bigint PRIMARY KEY AUTO_INCREMENT, task_type varchar(32), task_name varchar(64), host_ip varchar(40), gmt_created datetime, gmt_modified datetime);
INSERT INTO heart_beat SELECT seq, 'HOST', 'supervisor', CONCAT('127.0.0.', seq), now(), now() FROM seq_1_to_20;
CREATE TABLE heatbeat_sequence (id bigint PRIMARY KEY AUTO_INCREMENT, gmt_created datetime, gmt_modified datetime);
INSERT INTO heatbeat_sequence SELECT seq, '2024-01-01' + INTERVAL seq SECOND, '2024-01-01' + INTERVAL seq SECOND FROM seq_1_to_$beats;
ANALYZE TABLE rm_$suffix.project_config, rm_$suffix.ticket, cm_$suffix.checkpoint_log, cm_$suffix.metric, cm_hb_$suffix.heatbeat_sequence;
SELECT table_schema, table_name, table_rows, data_length, index_length FROM information_schema.tables
  WHERE table_schema IN ('rm_$suffix', 'cm_$suffix', 'cm_hb_$suffix');
SELECT SUM(data_length) / 1048576 AS data_mib FROM information_schema.tables WHERE table_schema IN ('rm_$suffix', 'cm_$suffix', 'cm_hb_$suffix');
SQL

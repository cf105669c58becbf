-- One object of each kind that a dump can get wrong. Loaded as root into `rm fid.1` (a name with a
-- space and a dot), cm_fid and hb_fid.
SET NAMES utf8mb4;
SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', foreign_key_checks = 0;
SET SESSION time_zone = '+00:00';
DROP DATABASE IF EXISTS `rm fid.1`; DROP DATABASE IF EXISTS cm_fid; DROP DATABASE IF EXISTS hb_fid;
CREATE DATABASE `rm fid.1` CHARACTER SET gbk COLLATE gbk_bin;
CREATE DATABASE cm_fid CHARACTER SET latin1 COLLATE latin1_german2_ci;
CREATE DATABASE hb_fid CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
USE `rm fid.1`;

CREATE TABLE t_int (a tinyint, b tinyint unsigned, c smallint, d mediumint unsigned, e int zerofill, f bigint, g bigint unsigned, h bool, i year);
INSERT INTO t_int VALUES (-128,255,-32768,16777215,42,-9223372036854775808,18446744073709551615,1,0),(0,0,0,0,0,0,0,0,2155),(NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE t_decimal (a decimal(65,30), b decimal(65,0), c decimal(10,2) unsigned, d decimal(5,5));
INSERT INTO t_decimal VALUES (-99999999999999999999999999999999999.999999999999999999999999999999, 99999999999999999999999999999999999999999999999999999999999999999, 0.01, 0.99999),(0,-1,0,-0.00001);
CREATE TABLE t_float (id int PRIMARY KEY, f float, d double, fd float(20,5), dd double(40,10), fu float unsigned);
INSERT INTO t_float VALUES (1,0.1,0.1,123456.789,1e25,3.4028234e38),(2,1/3,1/3,1/3,1/3,1/3),(3,1.17549435e-38,2.2250738585072014e-308,0,0,1e-45),
 (4,16777217,9007199254740993,0.00001,1.7976931348623157e20,0),(5,-3.4028234e38,-1.7976931348623157e308,-99999999999999.99999,-1e20,0),(6,-0e0,-0e0,-0e0,-0e0,0),(7,1e-45,5e-324,0,0,0),
 (8,3.14159265358979,3.14159265358979311600,3.14159,3.1415926536,2.718281828459045),(9,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE t_float_key (f float PRIMARY KEY, d double UNIQUE);
INSERT INTO t_float_key VALUES (1.000001,1.0000000000000002),(1.0000012,1.0000000000000004),(1.0000013,1),(123456.7,1.1),(123456.71,1.2),(123456.72,1.3);
CREATE TABLE t_bit (a bit(1), b bit(8), c bit(64), d bit(13));
INSERT INTO t_bit VALUES (b'1',b'10101010',~0,b'1000000000001'),(b'0',0,0,0),(NULL,NULL,NULL,NULL);
CREATE TABLE t_text (id int PRIMARY KEY, c char(10), v varchar(100), tt tinytext, t text, mt mediumtext, lt longtext) DEFAULT CHARSET utf8mb4;
INSERT INTO t_text VALUES (1,'it''s','back\\slash and "quotes" `and` more','','line\nfeed\rreturn\ttab\Zz\0nul','😀 emoji 汉字','%_;-- /* */ # \\'),(2,'','  spaces  ','a','''','''''','\\'),(3,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO t_text SELECT 1000 + seq, NULL, CONCAT(REPEAT('x', seq), '''\\', REPEAT('y', 40 - seq)), NULL, CONCAT(REPEAT('é', seq), '\n'), NULL, NULL FROM seq_0_to_40;
CREATE TABLE t_charsets (id int PRIMARY KEY, latin varchar(300) CHARACTER SET latin1, greek varchar(300) CHARACTER SET greek, gbk varchar(300) CHARACTER SET gbk, big varchar(300) CHARACTER SET big5,
  sj varchar(300) CHARACTER SET sjis, uj varchar(300) CHARACTER SET ujis, eu varchar(300) CHARACTER SET euckr, u16 varchar(300) CHARACTER SET utf16, u32 varchar(300) CHARACTER SET utf32, u2 varchar(300) CHARACTER SET ucs2,
  u16le varchar(300) CHARACTER SET utf16le, u8 varchar(300) CHARACTER SET utf8mb3, asc7 varchar(300) CHARACTER SET ascii, swe varchar(300) CHARACTER SET swe7, cp932 varchar(300) CHARACTER SET cp932, arm varchar(300) CHARACTER SET armscii8, kb varchar(300) CHARACTER SET keybcs2, mac varchar(300) CHARACTER SET macce, dec8 varchar(300) CHARACTER SET dec8, hp varchar(300) CHARACTER SET hp8, tis varchar(300) CHARACTER SET tis620);
INSERT INTO t_charsets (id, latin, greek, gbk, big, u8) VALUES (1, 'äöüß€', 'αβγ', '汉字编码', '漢字', '汉字 é');
-- gbk: valid double bytes without a Unicode mapping; trail bytes 5C and 27's neighbours; broken latin1
INSERT INTO t_charsets (id, gbk, latin, swe, sj, cp932, u2, u16) VALUES (2, X'A2A1FEFEA6D9815CA8BFFE50', X'8081828D8F909DA0FF', X'5B5C5D5E607B7C7D7E', X'815C5C7E', X'835C5C7E8160', X'D83D0041FFFF', X'D83DDE000041');
INSERT INTO t_charsets SELECT 10 + n, b,b,b,b,b,b,b,CONVERT(b USING utf16),CONVERT(b USING utf32),CONVERT(b USING ucs2),CONVERT(b USING utf16le),b,b,BINARY b,b,BINARY b,BINARY b,BINARY b,BINARY b,BINARY b,b
  FROM (SELECT 0 n, CONCAT(CHAR(1),CHAR(9),CHAR(10),CHAR(13),' !"#$%&''()*+,-./0123456789:;<=>?@') b UNION SELECT 1, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`' UNION SELECT 2, 'abcdefghijklmnopqrstuvwxyz{|}~') x;
CREATE TABLE t_binary (id int PRIMARY KEY, b binary(10), v varbinary(300), tb tinyblob, bl blob, mb mediumblob, lb longblob);
INSERT INTO t_binary VALUES (1,'a\0b','\0\'\\\r\n\Z',X'FF00FE','',X'E4B8',X'F09F98'),(2,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO t_binary (id, v) SELECT 100 + seq, CONCAT(CHAR(seq),CHAR(39),CHAR(255 - seq),CHAR(92),CHAR(seq)) FROM seq_0_to_255;
CREATE TABLE t_time (id int PRIMARY KEY, d date, dt datetime(6), ts timestamp(6) NULL, t time(6), dt0 datetime);
INSERT INTO t_time VALUES (1,'0000-00-00','0000-00-00 00:00:00','0000-00-00 00:00:00','-838:59:59.999999','2020-00-00'),(2,'9999-12-31','9999-12-31 23:59:59.999999','2038-01-19 03:14:07.999999','838:59:59','2021-02-31 01:02:03'),
 (3,'2020-02-30','2020-03-29 02:30:00.5','1970-01-01 00:00:01',  '00:00:00.000001','2020-10-25 02:30:00'),(4,'0000-01-01','0001-01-01','2021-10-31 00:30:00','-00:00:00.000001','1000-01-01'),(5,NULL,NULL,NULL,NULL,NULL);
INSERT INTO t_time (id, ts) SELECT 100 + seq, FROM_UNIXTIME(1635638400 + seq * 900) FROM seq_0_to_20;
CREATE TABLE t_enum (id int PRIMARY KEY, e enum('a','b','it''s','x,y'), e2 enum('','a'), s set('a','b','c''d'), s2 set('','a','b'), eg enum('汉','b') CHARACTER SET gbk, e3 enum('1','2','0'), s64 set('01','02','03','04','05','06','07','08','09','10','11','12','13','14','15','16','17','18','19','20','21','22','23','24','25','26','27','28','29','30','31','32','33','34','35','36','37','38','39','40','41','42','43','44','45','46','47','48','49','50','51','52','53','54','55','56','57','58','59','60','61','62','63','64'));
INSERT INTO t_enum VALUES (1,'a','','a,b','',1,'2',~0),(2,0,0,0,0,0,0,0),(3,'it''s','a','c''d','a','b','0',1),(4,'x,y',1,'a,c''d',1,1,'1',9223372036854775808),(5,NULL,NULL,NULL,NULL,NULL,NULL,NULL),(6,0,1,0,3,0,3,9007199254740993);
CREATE TABLE t_json (id int PRIMARY KEY, j json, txt longtext CHECK (json_valid(txt)));
INSERT INTO t_json VALUES (1,'{"a": [1, 2.50, "x\\ny\\u00e9"], "b": null}','{}'),(2,'"\\""','[]');
CREATE TABLE t_geo (id int PRIMARY KEY, g geometry, p point NOT NULL);
INSERT INTO t_geo VALUES (1,ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 10,0 0))'),ST_GeomFromText('POINT(1.1 2.2)',4326)),(2,NULL,ST_GeomFromText('POINT(-0.0 39)'));
CREATE TABLE t_geo_key (id int PRIMARY KEY, p point NOT NULL, SPATIAL KEY (p)); INSERT INTO t_geo_key SELECT id, p FROM t_geo;
CREATE TABLE t_net (id int PRIMARY KEY, i6 inet6, i4 inet4, u uuid);
INSERT INTO t_net VALUES (1,'::1','127.0.0.1','123e4567-e89b-12d3-a456-426655440000'),(2,NULL,NULL,NULL),(3,'::ffff:10.0.0.1','0.0.0.0','00000000-0000-0000-0000-000000000000'),(4,'2001:db8::1:2:3a','9.9.9.9','00000000-0000-0000-0000-000000000001');
CREATE TABLE t_generated (id int PRIMARY KEY AUTO_INCREMENT, a int DEFAULT (7 + 1), v int AS (a * 2) VIRTUAL, s varchar(20) AS (CONCAT('x', a)) STORED, b varchar(10) DEFAULT 'it''s', KEY (v));
INSERT INTO t_generated (a) VALUES (1),(2),(NULL);
CREATE TABLE t_only_generated (a int AS (1) VIRTUAL, b int);
INSERT INTO t_only_generated (b) VALUES (1),(2);
-- nothing in them that an INSERT may name, but a number of rows
CREATE TABLE t_all_generated (a int AS (5) STORED, b varchar(9) AS ('x') VIRTUAL); INSERT INTO t_all_generated VALUES (DEFAULT,DEFAULT),(DEFAULT,DEFAULT),(DEFAULT,DEFAULT);
CREATE TABLE t_all_generated_session (a bigint AS (CONNECTION_ID()) VIRTUAL, b int AS (7) STORED); INSERT INTO t_all_generated_session (b) VALUES (DEFAULT),(DEFAULT);
CREATE TABLE t_all_generated_key (a varchar(9) AS ('it''s') STORED, UNIQUE KEY (a)); INSERT INTO t_all_generated_key VALUES (DEFAULT);
CREATE TABLE t_invisible (a int, b int INVISIBLE DEFAULT 5, c int, KEY k (a) IGNORED);
INSERT INTO t_invisible (a,b,c) VALUES (1,2,3),(4,DEFAULT,6);
CREATE TABLE t_zero (id int PRIMARY KEY AUTO_INCREMENT, x int); INSERT INTO t_zero VALUES (0,1),(-5,2),(7,3);
CREATE TABLE t_auto (id bigint unsigned PRIMARY KEY AUTO_INCREMENT); INSERT INTO t_auto VALUES (18446744073709551610); ALTER TABLE t_auto AUTO_INCREMENT = 18446744073709551613;
CREATE TABLE t_empty (id int PRIMARY KEY AUTO_INCREMENT, t text) AUTO_INCREMENT = 777 COMMENT 'it''s "empty"; -- \\ `x`';
CREATE TABLE t_nokey (a int, b varchar(10)); INSERT INTO t_nokey VALUES (1,'a'),(1,'a'),(NULL,NULL);
CREATE TABLE `odd ``na.me 表` (`col ``1` int PRIMARY KEY COMMENT 'c''omment', `a.b` int, `汉字` text, `select` int, KEY `key ``1` (`a.b`)) COMMENT='emoji-free 表';
INSERT INTO `odd ``na.me 表` VALUES (1,2,'x',3);
CREATE TABLE t_partition (id int NOT NULL, d date NOT NULL, x text, PRIMARY KEY (id, d)) PARTITION BY RANGE (YEAR(d)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO t_partition VALUES (1,'1999-01-01','a'),(2,'2001-01-01','b');
CREATE TABLE t_versioned (id int PRIMARY KEY, x int) WITH SYSTEM VERSIONING;
INSERT INTO t_versioned VALUES (1,1),(2,2); UPDATE t_versioned SET x = 10 WHERE id = 1; DELETE FROM t_versioned WHERE id = 2;
CREATE TABLE t_versioned2 (id int PRIMARY KEY, x int, s timestamp(6) GENERATED ALWAYS AS ROW START, e timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING;
INSERT INTO t_versioned2 (id, x) VALUES (1,1),(2,2); UPDATE t_versioned2 SET x = 10; DELETE FROM t_versioned2 WHERE id = 2;
CREATE TABLE t_period (id int, a date, b date, PERIOD FOR p (a, b)); INSERT INTO t_period VALUES (1,'2020-01-01','2021-01-01');
CREATE SEQUENCE sq START WITH 5 INCREMENT BY 3 MINVALUE -10 MAXVALUE 1000 CACHE 7 CYCLE; SELECT NEXTVAL(sq), NEXTVAL(sq);
CREATE SEQUENCE `sq 2` INCREMENT BY -2; SELECT NEXTVAL(`sq 2`);
CREATE TABLE t_uses_sequence (id bigint PRIMARY KEY DEFAULT NEXTVAL(sq), x int); INSERT INTO t_uses_sequence (x) VALUES (1);
CREATE TABLE t_myisam (id int PRIMARY KEY, t text, FULLTEXT (t)) ENGINE=MyISAM; INSERT INTO t_myisam VALUES (1,'x'),(2,NULL);
CREATE TABLE t_compressed (id int PRIMARY KEY, t text COMPRESSED) ROW_FORMAT=DYNAMIC; INSERT INTO t_compressed VALUES (1, REPEAT('z', 1000));
CREATE TABLE t_check (a int CHECK (a > 5), b int, CONSTRAINT `c ``1` CHECK (b < a)); SET check_constraint_checks = 0; INSERT INTO t_check VALUES (1, 9); SET check_constraint_checks = 1;
-- foreign keys: cyclic, to oneself, across databases, and one that is violated
CREATE TABLE t_fk_a (id int PRIMARY KEY, b int, CONSTRAINT fk_ab FOREIGN KEY (b) REFERENCES t_fk_b (id));
CREATE TABLE t_fk_b (id int PRIMARY KEY, a int, me int, CONSTRAINT fk_ba FOREIGN KEY (a) REFERENCES t_fk_a (id) ON DELETE CASCADE, CONSTRAINT fk_me FOREIGN KEY (me) REFERENCES t_fk_b (id));
CREATE TABLE cm_fid.t_parent (id int PRIMARY KEY, x int) ENGINE=InnoDB; INSERT INTO cm_fid.t_parent VALUES (1,1);
CREATE TABLE t_fk_far (id int PRIMARY KEY, p int, CONSTRAINT fk_far FOREIGN KEY (p) REFERENCES cm_fid.t_parent (id));
INSERT INTO t_fk_a VALUES (1,1),(2,99); INSERT INTO t_fk_b VALUES (1,1,1); INSERT INTO t_fk_far VALUES (1,1);
-- views: on tables, on views (defined before the view they use), over databases, broken
CREATE TABLE t_base (id int PRIMARY KEY, name varchar(20) CHARACTER SET utf8mb4, x int); INSERT INTO t_base VALUES (1,'汉字',2);
CREATE VIEW z_inner AS SELECT id, name, x + 1 AS `x 1` FROM t_base WHERE name <> 'it''s';
CREATE VIEW a_outer AS SELECT z.id, CONCAT(z.name, '-é') AS n FROM z_inner z JOIN t_base b ON b.id = z.id;
CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW v_check AS SELECT id, x FROM t_base WHERE x < 100 WITH LOCAL CHECK OPTION;
CREATE VIEW v_far AS SELECT p.id AS pid, b.name FROM cm_fid.t_parent p JOIN t_base b ON p.id = b.id;
CREATE VIEW v_union AS SELECT 1 AS a UNION SELECT x FROM t_base; CREATE VIEW v_cte AS WITH c AS (SELECT id FROM t_base) SELECT * FROM c;
SET NAMES gbk COLLATE gbk_bin; CREATE VIEW v_gbk AS SELECT 'ascii' AS a; SET NAMES latin1; CREATE VIEW v_latin AS SELECT 'plain' AS a; SET NAMES utf8mb4;
CREATE TABLE t_gone (id int, c1 int, c2 int); CREATE VIEW v_broken AS SELECT g.id, g.c1 + b.x AS total FROM t_gone g JOIN t_base b ON b.id = g.id WHERE g.c2 > 1; DROP TABLE t_gone;
CREATE TABLE t_changed (id int, old_name int); CREATE VIEW v_broken_column AS SELECT id, old_name FROM t_changed; ALTER TABLE t_changed DROP COLUMN old_name; INSERT INTO t_changed VALUES (1);
CREATE TRIGGER tr BEFORE INSERT ON t_base FOR EACH ROW SET NEW.x = NEW.x + 1000;
-- statements longer than what a client sends by default
CREATE TABLE t_big (id int PRIMARY KEY, a longblob, b longtext CHARACTER SET utf8mb4, g longtext CHARACTER SET gbk);
INSERT INTO t_big VALUES (1, REPEAT(X'0027FF5C0A1A0D41', 2621440), NULL, NULL), (2, REPEAT('x', 3000000), REPEAT('汉\'', 2000000), REPEAT('y', 900000)), (3, NULL, REPEAT('q', 20971520), REPEAT('汉', 500000)), (4, 'small', 's', 's');

USE cm_fid;
CREATE TABLE t_latin (id int PRIMARY KEY, v varchar(50)); INSERT INTO t_latin VALUES (1, X'E4F6FC80FF'),(2,'plain');
CREATE TABLE t_back (id int PRIMARY KEY, r int, CONSTRAINT fk_back FOREIGN KEY (r) REFERENCES `rm fid.1`.t_fk_a (id)); INSERT INTO t_back VALUES (1,2);
-- keys to be cut at
CREATE TABLE k_skewed (id bigint PRIMARY KEY, pad varchar(200)); INSERT INTO k_skewed SELECT IF(seq < 60000, seq, seq * 1000000007), REPEAT('s', 150) FROM seq_1_to_120000;
CREATE TABLE k_negative (id bigint PRIMARY KEY, pad varchar(200)); INSERT INTO k_negative SELECT (CAST(seq AS SIGNED) - 70000) * 12345678901234, REPEAT('n', 150) FROM seq_1_to_120000; INSERT INTO k_negative VALUES (-9223372036854775808,'min'),(9223372036854775807,'max');
CREATE TABLE k_unsigned (id bigint unsigned PRIMARY KEY, pad varchar(200)); INSERT INTO k_unsigned SELECT 18446744073709551615 - seq * 3, REPEAT('u', 150) FROM seq_0_to_120000; INSERT INTO k_unsigned VALUES (0,'zero');
CREATE TABLE k_string (name varchar(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci PRIMARY KEY, pad varchar(200)); INSERT INTO k_string SELECT CONCAT(IF(seq % 2, 'É''ü\\', 'abc'), MD5(seq)), REPEAT('t', 150) FROM seq_1_to_120000;
CREATE TABLE k_gbk (name varchar(60) CHARACTER SET gbk PRIMARY KEY, pad varchar(200)); INSERT INTO k_gbk SELECT CONCAT(IF(seq % 3, _gbk X'A2A1FEFE', _gbk X'BABAD7D6'), CONVERT(MD5(seq) USING gbk)), REPEAT('g', 150) FROM seq_1_to_120000;
CREATE TABLE k_composite (a int, b varchar(20), c datetime, pad varchar(200), PRIMARY KEY (a, b, c)); INSERT INTO k_composite SELECT seq % 2, CONCAT('b', seq % 5), '2020-01-01' + INTERVAL seq SECOND, REPEAT('c', 150) FROM seq_1_to_120000;
CREATE TABLE k_binary (k binary(16) PRIMARY KEY, pad varchar(200)); INSERT INTO k_binary SELECT UNHEX(MD5(seq)), REPEAT('b', 150) FROM seq_1_to_120000;
CREATE TABLE k_enum (e enum('z','a'), id int, pad varchar(200), PRIMARY KEY (e, id)); INSERT INTO k_enum SELECT 1 + seq % 2, seq, REPEAT('e', 150) FROM seq_1_to_120000;
CREATE TABLE k_prefix (t text, pad varchar(200), PRIMARY KEY (t(40))); INSERT INTO k_prefix SELECT MD5(seq), REPEAT('p', 150) FROM seq_1_to_120000;
CREATE TABLE k_none (a int, pad varchar(200)); INSERT INTO k_none SELECT seq, REPEAT('0', 150) FROM seq_1_to_120000;
CREATE TABLE k_decimal (d decimal(30,10) PRIMARY KEY, pad varchar(200)); INSERT INTO k_decimal SELECT CAST(seq AS SIGNED) * 1.0000000001 - 60000, REPEAT('d', 150) FROM seq_1_to_120000;
USE hb_fid;
CREATE TABLE heatbeat_sequence (id bigint PRIMARY KEY AUTO_INCREMENT, gmt_created datetime, gmt_modified datetime); INSERT INTO heatbeat_sequence SELECT seq, now(), now() FROM seq_1_to_1000;
CREATE TABLE heart_beat (id int PRIMARY KEY AUTO_INCREMENT, task_name varchar(20), host_ip varchar(40), gmt_modified datetime); INSERT INTO heart_beat VALUES (1,'supervisor','127.0.0.1',now());
-- The estimates that decide where tables are cut are otherwise made later, in the background.
ANALYZE TABLE cm_fid.k_skewed, cm_fid.k_negative, cm_fid.k_unsigned, cm_fid.k_string, cm_fid.k_gbk, cm_fid.k_composite, cm_fid.k_binary, cm_fid.k_enum, cm_fid.k_prefix, cm_fid.k_none, cm_fid.k_decimal;

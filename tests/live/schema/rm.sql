-- The console's database (rm). The first tables are OMS's, as far as the public documents and OBD
-- show them; the rest is what such databases collect and what dumps trip over.
set sql_mode = 'NO_AUTO_VALUE_ON_ZERO';

create table oms_schema_version (version int not null primary key, installed_at timestamp not null default current_timestamp);
insert into oms_schema_version (version) values (@VERSION@);

create table oms_normal_config (
  id bigint not null auto_increment primary key,
  cfg_name varchar(128) not null,
  cfg_value text not null,
  cfg_desc varchar(512) character set latin1 default null,
  gmt_modified datetime(3) not null default current_timestamp(3) on update current_timestamp(3),
  unique key uk_cfg_name (cfg_name)
) comment='console''s "settings"';

-- Documented keys out of order, one that no document knows, and spacing that nobody would write.
insert into oms_normal_config (cfg_name, cfg_value, cfg_desc) values
 ('alarm.config', '{"enable":false}', null),
 ('ha.config', '{ "enable":true,  "enableHost" : false,"enableStore":true,\n\t"x-siteNote":"keep \\"me\\", enable:false \\\\ \\u4e2d",
   "perceiveStoreClientCheckpoint":false, "enableConnector":true,"enableJdbcWriter": true ,"refetchStoreIntervalMin":30,"subtopicStoreNumberThreshold":5,"checkRequestIntervalSec":600,"checkJdbcWriterIntervalSec":600,  "checkHostDownIntervalSec":540,"checkModuleExceptionIntervalSec":240,"clearAbnormalResourceHours":72, "x-nested":{"enable":false,"list":[1,2.50,1e3]} }', 'high availability'),
 ('ha.config.bak', '{"enable":false}', 'an old copy: must stay as it is'),
 ('ui.title', 'OMS ''数据传输'' \\ "迁移" 😀', null);

create table cluster_info (
  id int not null auto_increment primary key,
  region varchar(64) not null,
  region_cn varchar(64) not null,
  cm_url varchar(255) not null,
  code int not null,
  is_default_cm tinyint(1) not null default 0
);
insert into cluster_info (region, region_cn, cm_url, code, is_default_cm)
 values ('cn-lab', '实验', 'http://127.0.0.11:8088', 0, 1);

create table oms_project (
  id bigint not null auto_increment primary key,
  project_name varchar(128) not null,
  project_status enum('INIT','RUNNING','SUSPEND','FAILED','FINISHED','DELETED') not null,
  project_type varchar(16) generated always as (substr(project_name, 1, 3)) stored,
  detail longtext not null check (json_valid(detail)),
  progress double not null,
  gmt_created datetime not null,
  key idx_status (project_status, gmt_created),
  key idx_name (project_name(20))
) auto_increment=1000000;
insert into oms_project (project_name, project_status, detail, progress, gmt_created)
 select concat('mig_', lpad(seq, 6, '0')),
        elt(1 + seq % 6, 'INIT', 'RUNNING', 'SUSPEND', 'FAILED', 'FINISHED', 'DELETED'),
        concat('{"source": {"type": "ORACLE", "tables": ', seq % 17, '}, "note": "', repeat('表名,', seq % 50), '", "checkpoint": ', 1600000000 + seq, '}'),
        seq / 3, '2023-01-01' + interval seq minute
 from seq_1_to_@PROJECTS@;

create table oms_sync_project like oms_project;
alter table oms_sync_project
  drop column project_type, add column project_type varchar(16) generated always as (concat('s', left(project_name, 2))) virtual after id,
  comment '';
insert into oms_sync_project (id, project_name, project_status, detail, progress, gmt_created)
 select seq, concat('sync_', seq), 'RUNNING', '{}', 1e-7 * seq, now() from seq_1_to_10;

create table oms_project_step (
  project_id bigint not null,
  step_no smallint unsigned not null,
  state bit(3) not null default b'101',
  message varchar(200) not null default 'it''s "new" \\',
  primary key (project_id, step_no),
  constraint fk_step_project foreign key (project_id) references oms_project (id) on delete cascade
);
insert into oms_project_step (project_id, step_no, state)
 select p.id, seq, seq % 8 from oms_project p join seq_0_to_3;

create table oms_attachment (
  id int unsigned not null primary key,
  name varchar(64) character set gbk not null,
  body longblob,
  digest binary(16) default null
);
insert into oms_attachment values
 (0, '空', '', null),
 (1, '二进制', x'00010227225C0A0D1AFF00', unhex(md5('1'))),
 (2, 'null', null, x'00000000000000000000000000000000');
insert into oms_attachment
 select 100 + seq, concat('附件', seq), repeat(unhex(sha1(seq)), 400 * seq), unhex(md5(seq)) from seq_1_to_20;

create table `odd ``name``.表 1` (
  `select` int not null,
  `col umn` varchar(20) not null default '',
  d decimal(30, 10), f float, t time(6), y year, ts timestamp null, z datetime default '0000-00-00 00:00:00',
  primary key (`select`, `col umn`)
);
insert into `odd ``name``.表 1` values
 (-1, 'a''b', -12345678901234567890.0123456789, 0.1, '-838:59:59.000001', 1901, '2023-11-05 01:30:00', '0000-00-00'),
 (0, '', 0, -1.17549e-38, '00:00:00', 0, null, '2000-00-00'),
 (2147483647, 'tab\tnl\nnul\0', 1, 3.40282e38, '838:59:59', 2155, '2038-01-19 00:00:00', '9999-12-31 23:59:59');

create table oms_empty (id int not null primary key, note text);

create view v_running_project as
 select id, project_name, progress from oms_project where project_status = 'RUNNING';
create view a_view_on_view as select count(*) as running from v_running_project;

create table oms_audit (id bigint auto_increment primary key, what varchar(255) not null);
delimiter //
create trigger oms_config_audit after update on oms_normal_config for each row
begin
  insert into oms_audit (what) values (concat(new.cfg_name, ': changed'));
end//
delimiter ;

-- A region's heartbeat database (cm_hb).
create table oms_schema_version (version int not null primary key, installed_at timestamp not null default current_timestamp);
insert into oms_schema_version (version) values (@VERSION@);

create table heart_beat (
  id bigint not null auto_increment primary key,
  task_type varchar(32) not null,
  task_name varchar(64) not null,
  host_ip varchar(64) not null,
  gmt_created datetime not null,
  gmt_modified datetime not null,
  unique key uk_task (task_type, task_name, host_ip)
);
-- A node that was taken away long ago.
insert into heart_beat (task_type, task_name, host_ip, gmt_created, gmt_modified) values
 ('HOST', 'supervisor', '127.0.0.99', '2022-01-01', '2022-06-01');

create table heatbeat_sequence (
  id bigint not null auto_increment primary key,
  gmt_created datetime not null,
  gmt_modified datetime not null
) auto_increment=5000001;
insert into heatbeat_sequence (gmt_created, gmt_modified)
 select '2023-01-01' + interval seq second, '2023-01-01' + interval seq second from seq_1_to_@SEQ_ROWS@;

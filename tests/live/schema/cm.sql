-- The cluster manager's database (cm), one for all regions.
create table oms_schema_version (version int not null primary key, installed_at timestamp not null default current_timestamp);
insert into oms_schema_version (version) values (@VERSION@);

create table resource_group (
  id int not null auto_increment primary key,
  name varchar(32) not null,
  gmt_created datetime not null default current_timestamp
);
insert into resource_group (id, name) values (1, '0');

create table host (
  id int not null auto_increment primary key,
  resource_group_id int not null,
  ip varchar(64) not null,
  host_status varchar(16) not null,
  gmt_modified datetime not null default current_timestamp on update current_timestamp,
  unique key uk_ip (ip),
  constraint fk_host_group foreign key (resource_group_id) references resource_group (id)
);

create table config_job (
  id int not null auto_increment primary key,
  `key` varchar(128) not null,
  `value` text,
  unique key uk_key (`key`)
);
insert into config_job (`key`, `value`) values
 ('store.topic.limit', '5'), ('jdbcWriter.jvm', '-Xmx4g -Dx="a b"'), ('store.path', '/home/ds/store'), ('empty', ''), ('null', null);
insert into config_job (`key`, `value`) select concat('param.', seq), repeat('v', seq % 300) from seq_1_to_500;

create table cm_ticket (
  a int not null, b varchar(16) not null, c tinyint unsigned not null,
  checkpoint bigint unsigned not null, body mediumtext,
  primary key (a, b, c)
);
insert into cm_ticket select cast(seq % 13 as signed) - 6, concat('k', seq), seq % 256, 18446744073709551615 - seq, concat('{"seq":', seq, '}') from seq_1_to_2000;

BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE alerts (
	fingerprint VARCHAR NOT NULL, 
	project VARCHAR NOT NULL, 
	rule VARCHAR NOT NULL, 
	conversation_id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	changed_at DOUBLE NOT NULL, 
	body TEXT NOT NULL, 
	CONSTRAINT pk_alerts PRIMARY KEY (fingerprint)
);
INSERT INTO "alerts" VALUES('3610355b48ee7b76','support','BaselineRecorded','','','firing',1800000000.0,'{"fingerprint":"3610355b48ee7b76","identity":{"project":"support","rule":"BaselineRecorded","subject":[]},"state":"firing","labels":{"alertname":"BaselineRecorded","project":"support","severity":"info"},"annotations":{"summary":"First look at project support: 2 conversations, 1 negative and 0 positive ratings recorded without alerts. From now on every change is told."},"is_event":true,"pending_since":1800000000.0,"observed":0.0,"true_at":1800000000.0,"fired_at":1800000000.0,"announce_by":null,"announced_at":1800000000.0,"expires_at":1800086400.0,"resolved_at":null,"resolution":null}');
INSERT INTO "alerts" VALUES('9105c700ecbad2ed','','Watchdog','','','firing',1800000000.0,'{"fingerprint":"9105c700ecbad2ed","identity":{"project":"","rule":"Watchdog","subject":[]},"state":"firing","labels":{"alertname":"Watchdog","severity":"none"},"annotations":{"summary":"Always firing: when it stops arriving, the monitor or the way to you is broken."},"is_event":false,"pending_since":1800000000.0,"observed":0.0,"true_at":1800000195.0,"fired_at":1800000000.0,"announce_by":null,"announced_at":1800000000.0,"expires_at":null,"resolved_at":null,"resolution":null}');
INSERT INTO "alerts" VALUES('6da781dd87f5f235','support','RunSlow','Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==','9640fc43fb8b6e02','resolved',1800000110.0,'{"fingerprint":"6da781dd87f5f235","identity":{"project":"support","rule":"RunSlow","subject":[["conversation_id","Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA=="],["run_id","9640fc43fb8b6e02"]]},"state":"resolved","labels":{"severity":"warning","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","run_id":"9640fc43fb8b6e02","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunSlow","project":"support"},"annotations":{"summary":"a run"},"is_event":false,"pending_since":1800000060.001,"observed":0.0,"true_at":1800000105.0,"fired_at":1800000060.001,"announce_by":null,"announced_at":1800000060.001,"expires_at":null,"resolved_at":1800000110.0,"resolution":"ended"}');
INSERT INTO "alerts" VALUES('42467283b80ec68a','support','RunOverLimit','Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==','9640fc43fb8b6e02','resolved',1800000110.0,'{"fingerprint":"42467283b80ec68a","identity":{"project":"support","rule":"RunOverLimit","subject":[["conversation_id","Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA=="],["run_id","9640fc43fb8b6e02"]]},"state":"resolved","labels":{"severity":"critical","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","run_id":"9640fc43fb8b6e02","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunOverLimit","project":"support","action":"stopped"},"annotations":{"summary":"a run is 1m 5s old","action":"The monitor stopped this run and saw that it ended."},"is_event":false,"pending_since":1800000100.001,"observed":0.0,"true_at":1800000105.0,"fired_at":1800000100.001,"announce_by":1800000220.001,"announced_at":1800000110.0,"expires_at":null,"resolved_at":1800000110.0,"resolution":"ended"}');
INSERT INTO "alerts" VALUES('bc8b6d592135bea3','support','NegativeRating','Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ==','','firing',1800000150.0,'{"fingerprint":"bc8b6d592135bea3","identity":{"project":"support","rule":"NegativeRating","subject":[["by","user"],["chat_id","Q2hhdDo2YjQ5ZDIwMGNkMDcyY2Q4NjIwMDAwMDc="],["conversation_id","Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ=="]]},"state":"firing","labels":{"severity":"info","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ==","chat_id":"Q2hhdDo2YjQ5ZDIwMGNkMDcyY2Q4NjIwMDAwMDc=","by":"user","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"NegativeRating","project":"support"},"annotations":{"summary":"it was none"},"is_event":true,"pending_since":1800000150.0,"observed":0.0,"true_at":1800000150.0,"fired_at":1800000150.0,"announce_by":null,"announced_at":1800000150.0,"expires_at":1800086550.0,"resolved_at":null,"resolution":null}');
INSERT INTO "alerts" VALUES('c7cde6ac554a69fa','support','RunSlow','Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==','fbac3246dcc4a154','firing',1800000160.001,'{"fingerprint":"c7cde6ac554a69fa","identity":{"project":"support","rule":"RunSlow","subject":[["conversation_id","Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg=="],["run_id","fbac3246dcc4a154"]]},"state":"firing","labels":{"severity":"warning","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==","run_id":"fbac3246dcc4a154","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunSlow","project":"support"},"annotations":{"summary":"a run"},"is_event":false,"pending_since":1800000160.001,"observed":0.0,"true_at":1800000200.001,"fired_at":1800000160.001,"announce_by":null,"announced_at":1800000160.001,"expires_at":null,"resolved_at":null,"resolution":null}');
INSERT INTO "alerts" VALUES('477b4c62d9742b72','support','RunOverLimit','Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==','fbac3246dcc4a154','firing',1800000200.001,'{"fingerprint":"477b4c62d9742b72","identity":{"project":"support","rule":"RunOverLimit","subject":[["conversation_id","Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg=="],["run_id","fbac3246dcc4a154"]]},"state":"firing","labels":{"severity":"critical","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==","run_id":"fbac3246dcc4a154","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunOverLimit","project":"support"},"annotations":{"summary":"a run is 1m old"},"is_event":false,"pending_since":1800000200.001,"observed":0.0,"true_at":1800000200.001,"fired_at":1800000200.001,"announce_by":1800000320.001,"announced_at":null,"expires_at":null,"resolved_at":null,"resolution":null}');
INSERT INTO "alerts" VALUES('d2e5a5d52586823e','support','RunSlow','Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ==','a4e60b0738308f83','firing',1800000200.001,'{"fingerprint":"d2e5a5d52586823e","identity":{"project":"support","rule":"RunSlow","subject":[["conversation_id","Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ=="],["run_id","a4e60b0738308f83"]]},"state":"firing","labels":{"severity":"warning","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ==","run_id":"a4e60b0738308f83","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunSlow","project":"support"},"annotations":{"summary":"a run"},"is_event":false,"pending_since":1800000200.001,"observed":0.0,"true_at":1800000200.001,"fired_at":1800000200.001,"announce_by":null,"announced_at":1800000200.001,"expires_at":null,"resolved_at":null,"resolution":null}');
CREATE TABLE blind_times (
	project VARCHAR NOT NULL, 
	began_at DOUBLE NOT NULL, 
	ended_at DOUBLE NOT NULL, 
	CONSTRAINT pk_blind_times PRIMARY KEY (project, began_at)
);
CREATE TABLE brakes (
	id INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	project VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	until DOUBLE, 
	set_at DOUBLE NOT NULL, 
	set_by VARCHAR NOT NULL, 
	CONSTRAINT pk_brakes PRIMARY KEY (id)
);
INSERT INTO "brakes" VALUES(1,'protect','','Q29udmVyc2F0aW9uOjZiNDcyZWZmY2QwNzJjZDg2MjAwMDAwMg==',NULL,1800000170.0,'operator');
CREATE TABLE capabilities (
	project VARCHAR NOT NULL, 
	base_url VARCHAR NOT NULL, 
	probed_at DOUBLE NOT NULL, 
	own_at DOUBLE NOT NULL, 
	body TEXT NOT NULL, 
	CONSTRAINT pk_capabilities PRIMARY KEY (project)
);
INSERT INTO "capabilities" VALUES('support','https://alli.test',1800000000.0,1800000000.0,'{"probed_at":1800000000.0,"time_unit":"ms","filter_unit":"ms","unit_agrees":"works","time_filter":"works","running_filter":"unproven","embeds":2,"embeds_all":"works","chat_order":"oldest_first","page_total":"works","missing":"404 Not Found","daily_count":"works","clock_offset":0.0,"remarks":{"time unit":"ms, 6 times agree with their ids","time filters":"in ms: 1 of 2 rows selected","running filter":"nothing runs","embedded chats":"up to 2, the newest, in 2 rows","chat order":"oldest first","chat pages":"chatCount 2, totalCount 2, 2 on the first page","missing id":"404 Not Found","daily count":"answers","clock":"+0.0 s from own time"}}');
CREATE TABLE conversations (
	project VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	chat_count BIGINT NOT NULL, 
	last_chat_at DOUBLE, 
	looked_at DOUBLE NOT NULL, 
	paged_at DOUBLE, 
	digest VARCHAR NOT NULL, 
	CONSTRAINT pk_conversations PRIMARY KEY (project, id)
);
INSERT INTO "conversations" VALUES('support','Q29udmVyc2F0aW9uOjZiNDcyZWZmY2QwNzJjZDg2MjAwMDAwMg==',2,1799827200.0,1800000015.0,NULL,'08837a41b89c93f160f6d639');
INSERT INTO "conversations" VALUES('support','Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ==',2,1800000000.0,1800000150.0,NULL,'b39a9e99352e82ba22d5748f');
INSERT INTO "conversations" VALUES('support','Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==',2,1800000030.0,1800000180.0,NULL,'9c0751afe7aff057517a3995');
INSERT INTO "conversations" VALUES('support','Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==',2,1800000130.0,1800000180.0,NULL,'7f293975ad5bc33819f2c52a');
INSERT INTO "conversations" VALUES('support','Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ==',2,1800000170.0,1800000180.0,NULL,'3e47515b4fe9b4ef82eca3ef');
CREATE TABLE deliveries (
	destination VARCHAR NOT NULL, 
	failing_since DOUBLE, 
	attempts INTEGER NOT NULL, 
	error TEXT NOT NULL, 
	permanent BOOLEAN NOT NULL, 
	delivered_at DOUBLE, 
	CONSTRAINT pk_deliveries PRIMARY KEY (destination)
);
INSERT INTO "deliveries" VALUES('oncall/webhook[0]',1800000200.001,3,'the receiver is away',0,1800000160.001);
CREATE TABLE groups (
	integration VARCHAR NOT NULL, 
	group_key VARCHAR NOT NULL, 
	route VARCHAR NOT NULL, 
	labels TEXT NOT NULL, 
	last_sent_at DOUBLE, 
	CONSTRAINT pk_groups PRIMARY KEY (integration, group_key)
);
INSERT INTO "groups" VALUES('oncall/webhook[0]','{}:{alertname="BaselineRecorded", project="support", severity="info"}','{}','{"alertname":"BaselineRecorded","project":"support","severity":"info"}',1800000000.0);
INSERT INTO "groups" VALUES('oncall/webhook[0]','{}:{alertname="Watchdog", severity="none"}','{}','{"alertname":"Watchdog","severity":"none"}',1800000000.0);
INSERT INTO "groups" VALUES('oncall/webhook[0]','{}:{alertname="RunSlow", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==", project="support", run_id="9640fc43fb8b6e02", severity="warning"}','{}','{"alertname":"RunSlow","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","project":"support","run_id":"9640fc43fb8b6e02","severity":"warning"}',1800000110.0);
INSERT INTO "groups" VALUES('oncall/webhook[0]','{}:{action="stopped", alertname="RunOverLimit", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==", project="support", run_id="9640fc43fb8b6e02", severity="critical"}','{}','{"action":"stopped","alertname":"RunOverLimit","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","project":"support","run_id":"9640fc43fb8b6e02","severity":"critical"}',1800000110.0);
INSERT INTO "groups" VALUES('oncall/webhook[0]','{}:{alertname="NegativeRating", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", by="user", chat_id="Q2hhdDo2YjQ5ZDIwMGNkMDcyY2Q4NjIwMDAwMDc=", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ==", project="support", severity="info"}','{}','{"alertname":"NegativeRating","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","by":"user","chat_id":"Q2hhdDo2YjQ5ZDIwMGNkMDcyY2Q4NjIwMDAwMDc=","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ==","project":"support","severity":"info"}',1800000150.0);
INSERT INTO "groups" VALUES('oncall/webhook[0]','{}:{alertname="RunSlow", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==", project="support", run_id="fbac3246dcc4a154", severity="warning"}','{}','{"alertname":"RunSlow","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==","project":"support","run_id":"fbac3246dcc4a154","severity":"warning"}',1800000160.001);
INSERT INTO "groups" VALUES('oncall/webhook[0]','{}:{alertname="RunSlow", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ==", project="support", run_id="a4e60b0738308f83", severity="warning"}','{}','{"alertname":"RunSlow","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ==","project":"support","run_id":"a4e60b0738308f83","severity":"warning"}',1800000200.001);
CREATE TABLE intents (
	id INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	lane VARCHAR NOT NULL, 
	destination VARCHAR NOT NULL, 
	payload TEXT NOT NULL, 
	state VARCHAR NOT NULL, 
	due_at DOUBLE NOT NULL, 
	attempts INTEGER NOT NULL, 
	claimed_by VARCHAR, 
	claimed_until DOUBLE, 
	created_at DOUBLE NOT NULL, 
	finished_at DOUBLE, 
	error TEXT NOT NULL, 
	CONSTRAINT pk_intents PRIMARY KEY (id)
);
INSERT INTO "intents" VALUES(1,'notify','oncall/webhook[0] {}:{alertname="BaselineRecorded", project="support", severity="info"}','oncall/webhook[0]','{"key":"1fabc97e9c504e60af0fcd31322e70d4","receiver":"oncall","group_key":"{}:{alertname=\"BaselineRecorded\", project=\"support\", severity=\"info\"}","group_labels":{"alertname":"BaselineRecorded","project":"support","severity":"info"},"entries":[{"fingerprint":"3610355b48ee7b76","status":"firing","labels":{"alertname":"BaselineRecorded","project":"support","severity":"info"},"annotations":{"summary":"First look at project support: 2 conversations, 1 negative and 0 positive ratings recorded without alerts. From now on every change is told."},"starts_at":1800000000.0,"ends_at":1800086400.0,"url":"https://monitor.test/3610355b48ee7b76","resolution":null}],"reason":"first_notification"}','done',1800000000.0,1,NULL,NULL,1800000000.0,1800000000.0,'');
INSERT INTO "intents" VALUES(2,'notify','oncall/webhook[0] {}:{alertname="Watchdog", severity="none"}','oncall/webhook[0]','{"key":"4c2a89d3172b075fd380a6abb77fd044","receiver":"oncall","group_key":"{}:{alertname=\"Watchdog\", severity=\"none\"}","group_labels":{"alertname":"Watchdog","severity":"none"},"entries":[{"fingerprint":"9105c700ecbad2ed","status":"firing","labels":{"alertname":"Watchdog","severity":"none"},"annotations":{"summary":"Always firing: when it stops arriving, the monitor or the way to you is broken."},"starts_at":1800000000.0,"ends_at":null,"url":"https://monitor.test/9105c700ecbad2ed","resolution":null}],"reason":"first_notification"}','done',1800000000.0,1,NULL,NULL,1800000000.0,1800000000.0,'');
INSERT INTO "intents" VALUES(3,'notify','oncall/webhook[0] {}:{alertname="RunSlow", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==", project="support", run_id="9640fc43fb8b6e02", severity="warning"}','oncall/webhook[0]','{"key":"04fe41ff74901afc0a6101fad1143c45","receiver":"oncall","group_key":"{}:{alertname=\"RunSlow\", app=\"Report\", app_id=\"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==\", conversation_id=\"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==\", project=\"support\", run_id=\"9640fc43fb8b6e02\", severity=\"warning\"}","group_labels":{"alertname":"RunSlow","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","project":"support","run_id":"9640fc43fb8b6e02","severity":"warning"},"entries":[{"fingerprint":"6da781dd87f5f235","status":"firing","labels":{"severity":"warning","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","run_id":"9640fc43fb8b6e02","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunSlow","project":"support"},"annotations":{"summary":"a run"},"starts_at":1800000060.001,"ends_at":null,"url":"https://monitor.test/6da781dd87f5f235","resolution":null}],"reason":"first_notification"}','done',1800000060.001,1,NULL,NULL,1800000060.001,1800000060.001,'');
INSERT INTO "intents" VALUES(4,'stop','stop 1','support','1','done',1800000110.001,2,NULL,NULL,1800000100.001,1800000110.001,'');
INSERT INTO "intents" VALUES(5,'notify','oncall/webhook[0] {}:{alertname="RunSlow", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==", project="support", run_id="9640fc43fb8b6e02", severity="warning"}','oncall/webhook[0]','{"key":"e862a36109041d0b214a684f0c2672dc","receiver":"oncall","group_key":"{}:{alertname=\"RunSlow\", app=\"Report\", app_id=\"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==\", conversation_id=\"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==\", project=\"support\", run_id=\"9640fc43fb8b6e02\", severity=\"warning\"}","group_labels":{"alertname":"RunSlow","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","project":"support","run_id":"9640fc43fb8b6e02","severity":"warning"},"entries":[{"fingerprint":"6da781dd87f5f235","status":"resolved","labels":{"severity":"warning","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","run_id":"9640fc43fb8b6e02","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunSlow","project":"support"},"annotations":{"summary":"a run"},"starts_at":1800000060.001,"ends_at":1800000110.0,"url":"https://monitor.test/6da781dd87f5f235","resolution":"ended"}],"reason":"resolved"}','done',1800000110.0,1,NULL,NULL,1800000110.0,1800000110.0,'');
INSERT INTO "intents" VALUES(6,'notify','oncall/webhook[0] {}:{action="stopped", alertname="RunOverLimit", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==", project="support", run_id="9640fc43fb8b6e02", severity="critical"}','oncall/webhook[0]','{"key":"4745865417337ad36681d090c8c29f47","receiver":"oncall","group_key":"{}:{action=\"stopped\", alertname=\"RunOverLimit\", app=\"Report\", app_id=\"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==\", conversation_id=\"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==\", project=\"support\", run_id=\"9640fc43fb8b6e02\", severity=\"critical\"}","group_labels":{"action":"stopped","alertname":"RunOverLimit","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","project":"support","run_id":"9640fc43fb8b6e02","severity":"critical"},"entries":[{"fingerprint":"42467283b80ec68a","status":"firing","labels":{"severity":"critical","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","run_id":"9640fc43fb8b6e02","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunOverLimit","project":"support","action":"stopped"},"annotations":{"summary":"a run is 1m 5s old","action":"The monitor stopped this run and saw that it ended."},"starts_at":1800000100.001,"ends_at":null,"url":"https://monitor.test/42467283b80ec68a","resolution":null},{"fingerprint":"42467283b80ec68a","status":"resolved","labels":{"severity":"critical","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","run_id":"9640fc43fb8b6e02","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunOverLimit","project":"support","action":"stopped"},"annotations":{"summary":"a run is 1m 5s old","action":"The monitor stopped this run and saw that it ended."},"starts_at":1800000100.001,"ends_at":1800000110.0,"url":"https://monitor.test/42467283b80ec68a","resolution":"ended"}],"reason":"first_notification"}','done',1800000110.0,1,NULL,NULL,1800000110.0,1800000110.0,'');
INSERT INTO "intents" VALUES(7,'notify','oncall/webhook[0] {}:{alertname="NegativeRating", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", by="user", chat_id="Q2hhdDo2YjQ5ZDIwMGNkMDcyY2Q4NjIwMDAwMDc=", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ==", project="support", severity="info"}','oncall/webhook[0]','{"key":"cfd645f2c89f98132f9cac480627181c","receiver":"oncall","group_key":"{}:{alertname=\"NegativeRating\", app=\"Report\", app_id=\"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==\", by=\"user\", chat_id=\"Q2hhdDo2YjQ5ZDIwMGNkMDcyY2Q4NjIwMDAwMDc=\", conversation_id=\"Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ==\", project=\"support\", severity=\"info\"}","group_labels":{"alertname":"NegativeRating","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","by":"user","chat_id":"Q2hhdDo2YjQ5ZDIwMGNkMDcyY2Q4NjIwMDAwMDc=","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ==","project":"support","severity":"info"},"entries":[{"fingerprint":"bc8b6d592135bea3","status":"firing","labels":{"severity":"info","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ==","chat_id":"Q2hhdDo2YjQ5ZDIwMGNkMDcyY2Q4NjIwMDAwMDc=","by":"user","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"NegativeRating","project":"support"},"annotations":{"summary":"it was none"},"starts_at":1800000150.0,"ends_at":1800086550.0,"url":"https://monitor.test/bc8b6d592135bea3","resolution":null}],"reason":"first_notification"}','done',1800000150.0,1,NULL,NULL,1800000150.0,1800000150.0,'');
INSERT INTO "intents" VALUES(8,'notify','oncall/webhook[0] {}:{alertname="RunSlow", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==", project="support", run_id="fbac3246dcc4a154", severity="warning"}','oncall/webhook[0]','{"key":"d96621bcb804c9f9b13f14975a7a5c12","receiver":"oncall","group_key":"{}:{alertname=\"RunSlow\", app=\"Report\", app_id=\"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==\", conversation_id=\"Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==\", project=\"support\", run_id=\"fbac3246dcc4a154\", severity=\"warning\"}","group_labels":{"alertname":"RunSlow","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==","project":"support","run_id":"fbac3246dcc4a154","severity":"warning"},"entries":[{"fingerprint":"c7cde6ac554a69fa","status":"firing","labels":{"severity":"warning","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==","run_id":"fbac3246dcc4a154","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunSlow","project":"support"},"annotations":{"summary":"a run"},"starts_at":1800000160.001,"ends_at":null,"url":"https://monitor.test/c7cde6ac554a69fa","resolution":null}],"reason":"first_notification"}','done',1800000160.001,1,NULL,NULL,1800000160.001,1800000160.001,'');
INSERT INTO "intents" VALUES(9,'stop','stop 2','support','2','waiting',1800000210.001,1,NULL,NULL,1800000200.001,NULL,'');
INSERT INTO "intents" VALUES(10,'notify','oncall/webhook[0] {}:{alertname="RunSlow", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ==", project="support", run_id="a4e60b0738308f83", severity="warning"}','oncall/webhook[0]','{"key":"d2061ef8dd60097d2eed9cd37cc95209","receiver":"oncall","group_key":"{}:{alertname=\"RunSlow\", app=\"Report\", app_id=\"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==\", conversation_id=\"Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ==\", project=\"support\", run_id=\"a4e60b0738308f83\", severity=\"warning\"}","group_labels":{"alertname":"RunSlow","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ==","project":"support","run_id":"a4e60b0738308f83","severity":"warning"},"entries":[{"fingerprint":"d2e5a5d52586823e","status":"firing","labels":{"severity":"warning","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ==","run_id":"a4e60b0738308f83","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunSlow","project":"support"},"annotations":{"summary":"a run"},"starts_at":1800000200.001,"ends_at":null,"url":"https://monitor.test/d2e5a5d52586823e","resolution":null}],"reason":"first_notification"}','waiting',1.80000020721804666525e+09,3,NULL,NULL,1800000200.001,NULL,'the receiver is away');
CREATE TABLE meta (
	"key" VARCHAR NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_meta PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('version','0.1.0');
CREATE TABLE polls (
	project VARCHAR NOT NULL, 
	poll VARCHAR NOT NULL, 
	asked_at DOUBLE, 
	completed_at DOUBLE, 
	own_at DOUBLE, 
	watermark DOUBLE, 
	CONSTRAINT pk_polls PRIMARY KEY (project, poll)
);
INSERT INTO "polls" VALUES('support','runs',1800000200.0,1800000200.0,1800000200.0,NULL);
INSERT INTO "polls" VALUES('support','conversations',1800000180.0,1800000180.0,1800000180.0,1800000060.0);
INSERT INTO "polls" VALUES('support','ratings_7200s',1800000005.0,1800000005.0,1800000005.0,NULL);
INSERT INTO "polls" VALUES('support','ratings_86400s',1800000010.0,1800000010.0,1800000010.0,NULL);
INSERT INTO "polls" VALUES('support','ratings_604800s',1800000015.0,1800000015.0,1800000015.0,NULL);
CREATE TABLE projects (
	project VARCHAR NOT NULL, 
	baseline_at DOUBLE, 
	CONSTRAINT pk_projects PRIMARY KEY (project)
);
INSERT INTO "projects" VALUES('support',1800000000.0);
CREATE TABLE rating_changes (
	id INTEGER NOT NULL, 
	project VARCHAR NOT NULL, 
	conversation_id VARCHAR NOT NULL, 
	chat_id VARCHAR NOT NULL, 
	rater VARCHAR NOT NULL, 
	vote VARCHAR NOT NULL, 
	previous VARCHAR NOT NULL, 
	app_id VARCHAR, 
	app_name VARCHAR, 
	user_id VARCHAR, 
	chat_at DOUBLE NOT NULL, 
	not_before DOUBLE NOT NULL, 
	seen_at DOUBLE NOT NULL, 
	CONSTRAINT pk_rating_changes PRIMARY KEY (id)
);
INSERT INTO "rating_changes" VALUES(1,'support','Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ==','Q2hhdDo2YjQ5ZDIwMGNkMDcyY2Q4NjIwMDAwMDc=','user','negative','none','TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==','Report','user-1',1800000000.0,1800000120.0,1800000150.0);
CREATE TABLE ratings (
	project VARCHAR NOT NULL, 
	chat_id VARCHAR NOT NULL, 
	rater VARCHAR NOT NULL, 
	conversation_id VARCHAR NOT NULL, 
	vote VARCHAR NOT NULL, 
	not_before DOUBLE NOT NULL, 
	seen_at DOUBLE NOT NULL, 
	CONSTRAINT pk_ratings PRIMARY KEY (project, chat_id, rater)
);
INSERT INTO "ratings" VALUES('support','Q2hhdDo2YjQ3MmYwMGNkMDcyY2Q4NjIwMDAwMDQ=','user','Q29udmVyc2F0aW9uOjZiNDcyZWZmY2QwNzJjZDg2MjAwMDAwMg==','negative',1799827200.0,1800000000.0);
INSERT INTO "ratings" VALUES('support','Q2hhdDo2YjQ5ZDIwMGNkMDcyY2Q4NjIwMDAwMDc=','user','Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ==','negative',1800000120.0,1800000150.0);
CREATE TABLE runs (
	id VARCHAR NOT NULL, 
	project VARCHAR NOT NULL, 
	conversation_id VARCHAR NOT NULL, 
	app_id VARCHAR NOT NULL, 
	began_at DOUBLE NOT NULL, 
	ended_at DOUBLE, 
	body TEXT NOT NULL, 
	CONSTRAINT pk_runs PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('9640fc43fb8b6e02','support','Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==','TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==',1800000040.0,1800000110.0,'{"id":"9640fc43fb8b6e02","project":"support","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","app":{"id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","name":"Report"},"user_id":"user-1","began_at":1800000040.0,"age_since":1800000040.0,"estimate_since":1800000030.0,"busy_since":1800000040.0,"idle_since":1800000040.0,"not_running_at":1800000030.0,"seen_at":1800000100.0,"incomplete_chat_id":"Q2hhdDo2YjQ5ZDIxZWNkMDcyY2Q4NjIwMDAwMGE=","former_chat_id":"Q2hhdDo2YjQ5ZDIxZWNkMDcyY2Q4NjIwMDAwMGE=","user_chat_id":"Q2hhdDo2YjQ5ZDIxZWNkMDcyY2Q4NjIwMDAwMDk=","user_chat_at":1800000030.0,"user_chat_pending":false,"chat_count":2,"progress":{"chat_id":"Q2hhdDo2YjQ5ZDIxZWNkMDcyY2Q4NjIwMDAwMGE=","steps":1,"steps_completed":0,"length":0},"absent_since":null,"ended_at":1800000110.0,"outcome":"stopped","contradiction":null,"blind":null}');
INSERT INTO "runs" VALUES('fbac3246dcc4a154','support','Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==','TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==',1800000140.0,NULL,'{"id":"fbac3246dcc4a154","project":"support","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==","app":{"id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","name":"Report"},"user_id":"user-1","began_at":1800000140.0,"age_since":1800000140.0,"estimate_since":1800000130.0,"busy_since":1800000140.0,"idle_since":1800000140.0,"not_running_at":1800000130.0,"seen_at":1800000200.0,"incomplete_chat_id":"Q2hhdDo2YjQ5ZDI4MmNkMDcyY2Q4NjIwMDAwMGQ=","former_chat_id":"Q2hhdDo2YjQ5ZDI4MmNkMDcyY2Q4NjIwMDAwMGQ=","user_chat_id":"Q2hhdDo2YjQ5ZDI4MmNkMDcyY2Q4NjIwMDAwMGM=","user_chat_at":1800000130.0,"user_chat_pending":false,"chat_count":2,"progress":{"chat_id":"Q2hhdDo2YjQ5ZDI4MmNkMDcyY2Q4NjIwMDAwMGQ=","steps":1,"steps_completed":0,"length":0},"absent_since":null,"ended_at":null,"outcome":null,"contradiction":null,"blind":null}');
INSERT INTO "runs" VALUES('a4e60b0738308f83','support','Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ==','TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==',1800000180.0,NULL,'{"id":"a4e60b0738308f83","project":"support","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ==","app":{"id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","name":"Report"},"user_id":"user-1","began_at":1800000180.0,"age_since":1800000180.0,"estimate_since":1800000170.0,"busy_since":1800000180.0,"idle_since":1800000180.0,"not_running_at":1800000170.0,"seen_at":1800000200.0,"incomplete_chat_id":"Q2hhdDo2YjQ5ZDJhYWNkMDcyY2Q4NjIwMDAwMTA=","former_chat_id":"Q2hhdDo2YjQ5ZDJhYWNkMDcyY2Q4NjIwMDAwMTA=","user_chat_id":"Q2hhdDo2YjQ5ZDJhYWNkMDcyY2Q4NjIwMDAwMGY=","user_chat_at":1800000170.0,"user_chat_pending":false,"chat_count":2,"progress":{"chat_id":"Q2hhdDo2YjQ5ZDJhYWNkMDcyY2Q4NjIwMDAwMTA=","steps":1,"steps_completed":0,"length":0},"absent_since":null,"ended_at":null,"outcome":null,"contradiction":null,"blind":null}');
CREATE TABLE stop_log (
	id INTEGER NOT NULL, 
	project VARCHAR NOT NULL, 
	stop_id BIGINT, 
	conversation_id VARCHAR NOT NULL, 
	at DOUBLE NOT NULL, 
	own_at DOUBLE NOT NULL, 
	what VARCHAR NOT NULL, 
	detail TEXT NOT NULL, 
	CONSTRAINT pk_stop_log PRIMARY KEY (id)
);
INSERT INTO "stop_log" VALUES(1,'support',1,'Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==',1800000100.001,1800000100.001,'intended','');
INSERT INTO "stop_log" VALUES(2,'support',1,'Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==',1800000100.001,1800000100.001,'requesting','the same run still goes on');
INSERT INTO "stop_log" VALUES(3,'support',1,'Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==',1800000100.001,1800000100.001,'requested','Alli accepted it');
INSERT INTO "stop_log" VALUES(4,'support',1,'Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==',1800000110.0,1800000110.0,'stopped','the run is no longer listed');
INSERT INTO "stop_log" VALUES(5,'support',2,'Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==',1800000200.001,1800000200.001,'intended','');
INSERT INTO "stop_log" VALUES(6,'support',2,'Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==',1800000200.001,1800000200.001,'requesting','the same run still goes on');
INSERT INTO "stop_log" VALUES(7,'support',2,'Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==',1800000200.001,1800000200.001,'requested','Alli accepted it');
CREATE TABLE stop_requests (
	id INTEGER NOT NULL, 
	stop_id BIGINT NOT NULL, 
	project VARCHAR NOT NULL, 
	conversation_id VARCHAR NOT NULL, 
	app_id VARCHAR NOT NULL, 
	mode VARCHAR NOT NULL, 
	at DOUBLE NOT NULL, 
	answer VARCHAR NOT NULL, 
	CONSTRAINT pk_stop_requests PRIMARY KEY (id)
);
INSERT INTO "stop_requests" VALUES(1,1,'support','Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==','TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==','enforce',1800000100.001,'accepted');
INSERT INTO "stop_requests" VALUES(2,2,'support','Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==','TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==','enforce',1800000200.001,'accepted');
CREATE TABLE stops (
	id INTEGER NOT NULL, 
	project VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	conversation_id VARCHAR NOT NULL, 
	app_id VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	mode VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	result VARCHAR, 
	verdict VARCHAR, 
	decided_at DOUBLE NOT NULL, 
	body TEXT NOT NULL, 
	CONSTRAINT pk_stops PRIMARY KEY (id)
);
INSERT INTO "stops" VALUES(1,'support','9640fc43fb8b6e02','Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==','TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==','42467283b80ec68a','enforce','done','stopped',NULL,1800000100.001,'{"id":1,"project":"support","run_id":"9640fc43fb8b6e02","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","app":{"id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","name":"Report"},"fingerprint":"42467283b80ec68a","mode":"enforce","state":"done","decided_at":1800000100.001,"age_since":1800000040.0,"limit":60.0,"requests":1,"requested_at":1800000100.001,"looked_at":null,"result":"stopped","reason":"the run is no longer listed","finished_at":1800000110.0,"verdict":null,"asked_by":""}');
INSERT INTO "stops" VALUES(2,'support','fbac3246dcc4a154','Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==','TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==','477b4c62d9742b72','enforce','requested',NULL,NULL,1800000200.001,'{"id":2,"project":"support","run_id":"fbac3246dcc4a154","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==","app":{"id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","name":"Report"},"fingerprint":"477b4c62d9742b72","mode":"enforce","state":"requested","decided_at":1800000200.001,"age_since":1800000140.0,"limit":60.0,"requests":1,"requested_at":1800000200.001,"looked_at":null,"result":null,"reason":"","finished_at":null,"verdict":null,"asked_by":""}');
CREATE TABLE transitions (
	id INTEGER NOT NULL, 
	integration VARCHAR NOT NULL, 
	group_key VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	at DOUBLE NOT NULL, 
	intent_id BIGINT, 
	told_at DOUBLE, 
	body TEXT NOT NULL, 
	CONSTRAINT pk_transitions PRIMARY KEY (id)
);
INSERT INTO "transitions" VALUES(1,'oncall/webhook[0]','{}:{alertname="BaselineRecorded", project="support", severity="info"}','3610355b48ee7b76','firing',1800000000.0,1,1800000000.0,'{"fingerprint":"3610355b48ee7b76","status":"firing","labels":{"alertname":"BaselineRecorded","project":"support","severity":"info"},"annotations":{"summary":"First look at project support: 2 conversations, 1 negative and 0 positive ratings recorded without alerts. From now on every change is told."},"starts_at":1800000000.0,"ends_at":1800086400.0,"url":"https://monitor.test/3610355b48ee7b76","resolution":null}');
INSERT INTO "transitions" VALUES(2,'oncall/webhook[0]','{}:{alertname="Watchdog", severity="none"}','9105c700ecbad2ed','firing',1800000000.0,2,1800000000.0,'{"fingerprint":"9105c700ecbad2ed","status":"firing","labels":{"alertname":"Watchdog","severity":"none"},"annotations":{"summary":"Always firing: when it stops arriving, the monitor or the way to you is broken."},"starts_at":1800000000.0,"ends_at":null,"url":"https://monitor.test/9105c700ecbad2ed","resolution":null}');
INSERT INTO "transitions" VALUES(3,'oncall/webhook[0]','{}:{alertname="RunSlow", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==", project="support", run_id="9640fc43fb8b6e02", severity="warning"}','6da781dd87f5f235','firing',1800000060.001,3,1800000060.001,'{"fingerprint":"6da781dd87f5f235","status":"firing","labels":{"severity":"warning","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","run_id":"9640fc43fb8b6e02","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunSlow","project":"support"},"annotations":{"summary":"a run"},"starts_at":1800000060.001,"ends_at":null,"url":"https://monitor.test/6da781dd87f5f235","resolution":null}');
INSERT INTO "transitions" VALUES(4,'oncall/webhook[0]','{}:{action="stopped", alertname="RunOverLimit", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==", project="support", run_id="9640fc43fb8b6e02", severity="critical"}','42467283b80ec68a','firing',1800000110.0,6,1800000110.0,'{"fingerprint":"42467283b80ec68a","status":"firing","labels":{"severity":"critical","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","run_id":"9640fc43fb8b6e02","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunOverLimit","project":"support","action":"stopped"},"annotations":{"summary":"a run is 1m 5s old","action":"The monitor stopped this run and saw that it ended."},"starts_at":1800000100.001,"ends_at":null,"url":"https://monitor.test/42467283b80ec68a","resolution":null}');
INSERT INTO "transitions" VALUES(5,'oncall/webhook[0]','{}:{alertname="RunSlow", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==", project="support", run_id="9640fc43fb8b6e02", severity="warning"}','6da781dd87f5f235','resolved',1800000110.0,5,1800000110.0,'{"fingerprint":"6da781dd87f5f235","status":"resolved","labels":{"severity":"warning","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","run_id":"9640fc43fb8b6e02","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunSlow","project":"support"},"annotations":{"summary":"a run"},"starts_at":1800000060.001,"ends_at":1800000110.0,"url":"https://monitor.test/6da781dd87f5f235","resolution":"ended"}');
INSERT INTO "transitions" VALUES(6,'oncall/webhook[0]','{}:{action="stopped", alertname="RunOverLimit", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==", project="support", run_id="9640fc43fb8b6e02", severity="critical"}','42467283b80ec68a','resolved',1800000110.0,6,1800000110.0,'{"fingerprint":"42467283b80ec68a","status":"resolved","labels":{"severity":"critical","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjFlY2QwNzJjZDg2MjAwMDAwOA==","run_id":"9640fc43fb8b6e02","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunOverLimit","project":"support","action":"stopped"},"annotations":{"summary":"a run is 1m 5s old","action":"The monitor stopped this run and saw that it ended."},"starts_at":1800000100.001,"ends_at":1800000110.0,"url":"https://monitor.test/42467283b80ec68a","resolution":"ended"}');
INSERT INTO "transitions" VALUES(7,'oncall/webhook[0]','{}:{alertname="NegativeRating", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", by="user", chat_id="Q2hhdDo2YjQ5ZDIwMGNkMDcyY2Q4NjIwMDAwMDc=", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ==", project="support", severity="info"}','bc8b6d592135bea3','firing',1800000150.0,7,1800000150.0,'{"fingerprint":"bc8b6d592135bea3","status":"firing","labels":{"severity":"info","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwNQ==","chat_id":"Q2hhdDo2YjQ5ZDIwMGNkMDcyY2Q4NjIwMDAwMDc=","by":"user","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"NegativeRating","project":"support"},"annotations":{"summary":"it was none"},"starts_at":1800000150.0,"ends_at":1800086550.0,"url":"https://monitor.test/bc8b6d592135bea3","resolution":null}');
INSERT INTO "transitions" VALUES(8,'oncall/webhook[0]','{}:{alertname="RunSlow", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==", project="support", run_id="fbac3246dcc4a154", severity="warning"}','c7cde6ac554a69fa','firing',1800000160.001,8,1800000160.001,'{"fingerprint":"c7cde6ac554a69fa","status":"firing","labels":{"severity":"warning","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMjgyY2QwNzJjZDg2MjAwMDAwYg==","run_id":"fbac3246dcc4a154","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunSlow","project":"support"},"annotations":{"summary":"a run"},"starts_at":1800000160.001,"ends_at":null,"url":"https://monitor.test/c7cde6ac554a69fa","resolution":null}');
INSERT INTO "transitions" VALUES(9,'oncall/webhook[0]','{}:{alertname="RunSlow", app="Report", app_id="TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==", conversation_id="Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ==", project="support", run_id="a4e60b0738308f83", severity="warning"}','d2e5a5d52586823e','firing',1800000200.001,10,NULL,'{"fingerprint":"d2e5a5d52586823e","status":"firing","labels":{"severity":"warning","conversation_id":"Q29udmVyc2F0aW9uOjZiNDlkMmFhY2QwNzJjZDg2MjAwMDAwZQ==","run_id":"a4e60b0738308f83","app":"Report","app_id":"TExNQXBwOjZiNDlkMjAwY2QwNzJjZDg2MjAwMDAwMQ==","alertname":"RunSlow","project":"support"},"annotations":{"summary":"a run"},"starts_at":1800000200.001,"ends_at":null,"url":"https://monitor.test/d2e5a5d52586823e","resolution":null}');
CREATE INDEX ix_alerts_project_conversation_id ON alerts (project, conversation_id);
CREATE INDEX ix_alerts_project_state_rule ON alerts (project, state, rule);
CREATE INDEX ix_alerts_state ON alerts (state);
CREATE INDEX ix_conversations_project_last_chat_at ON conversations (project, last_chat_at);
CREATE INDEX ix_intents_lane_state ON intents (lane, state);
CREATE INDEX ix_intents_state_due_at ON intents (state, due_at);
CREATE INDEX ix_rating_changes_project_seen_at ON rating_changes (project, seen_at);
CREATE INDEX ix_ratings_project_conversation_id ON ratings (project, conversation_id);
CREATE INDEX ix_ratings_seen_at ON ratings (seen_at);
CREATE INDEX ix_runs_project_conversation_id ON runs (project, conversation_id);
CREATE INDEX ix_runs_project_ended_at ON runs (project, ended_at);
CREATE INDEX ix_stop_log_project_at ON stop_log (project, at);
CREATE INDEX ix_stop_requests_project_at ON stop_requests (project, at);
CREATE INDEX ix_stop_requests_stop_id ON stop_requests (stop_id);
CREATE INDEX ix_stops_project_run_id ON stops (project, run_id);
CREATE INDEX ix_stops_project_state ON stops (project, state);
CREATE INDEX ix_transitions_fingerprint ON transitions (fingerprint);
CREATE INDEX ix_transitions_integration_group_key_intent_id ON transitions (integration, group_key, intent_id);
CREATE INDEX ix_transitions_intent_id ON transitions (intent_id);
COMMIT;

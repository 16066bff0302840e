/**
 * For tests: events of every dataset, in the form in which its program usually writes them. Each is one line or several;
 * header lines are events without fields of their own and come first.
 */
export const EVENTS: Readonly<Record<string, readonly string[]>> = {
  "nginx.ingress_controller": [
    '203.0.113.9 - - [14/Mar/2026:10:11:12 +0000] "GET /cart HTTP/2.0" 200 512 "-" "Probe/1.0" 120 0.012 [shop-web-80] [] 10.0.0.7:8080 512 0.012 200 4f2c6a0d1e9b4c7f8a1234567890abcd',
    '203.0.113.9 - ann [14/Mar/2026:10:11:13 +0000] "POST /pay HTTP/1.1" 502 150 "-" "Probe/1.0" 310 0.030 [shop-web-80] [] 10.0.0.7:8080, 10.0.0.8:8080 0, 150 0.010, 0.020 502, 502 5f2c6a0d1e9b4c7f8a1234567890abcd',
    '203.0.113.9 - - [14/Mar/2026:10:11:14 +0000] "GET / HTTP/1.1" 404 146 "-" "-" 80 0.000 [upstream-default-backend] [] 10.0.0.9:8080 146 0.000 404 6f2c6a0d1e9b4c7f8a1234567890abcd',
  ],
  "nginx.access": [
    '203.0.113.9 - ann [14/Mar/2026:10:11:12 +0000] "GET /shop?id=7 HTTP/2.0" 200 512 "https://shop.example/" "Probe/1.0" HIT',
    '2001:db8::7 - - [14/Mar/2026:10:11:13 +0000] "PURGE /shop HTTP/1.1" 405 157 "-" "Probe \\x22two\\x22" MISS',
    '203.0.113.9 - - [14/Mar/2026:10:11:14 +0000] "\\x16\\x03\\x01\\x05\\xA8" 400 157 "-" "-" BYPASS',
  ],
  "apache.access": [
    '203.0.113.9 - - [14/Mar/2026:10:11:12 +0000] "GET /shop HTTP/1.1" 304 -',
    'client.example - frank [14/Mar/2026:10:11:13 +0000] "GET / HTTP/1.0" 200 2326 "-" "Probe/1.0"',
    '203.0.113.9 - - [14/Mar/2026:10:11:14 +0000] "-" 408 -',
  ],
  "varnish.access": [
    '203.0.113.9 - - [14/Mar/2026:10:11:12 +0000] "GET http://shop.example/ HTTP/1.1" 200 512 "-" "Probe/1.0" hit 0.000123',
    '203.0.113.9 - - [14/Mar/2026:10:11:13 +0000] "GET http://shop.example/cart HTTP/1.1" 503 278 "-" "Probe/1.0" miss 0.020123',
    '203.0.113.9 - - [14/Mar/2026:10:11:14 +0000] "POST http://shop.example/pay HTTP/1.1" 200 12 "-" "Probe/1.0" pass 0.100123',
  ],
  "nginx.error": [
    '2026/03/14 10:11:12 [error] 12#34: *56 open() "/srv/favicon.ico" failed (2: No such file or directory), client: 203.0.113.9, server: shop.example, request: "GET /favicon.ico HTTP/1.1", host: "shop.example"',
    "2026/03/14 10:11:13 [notice] 1#1: signal process started",
    "2026/03/14 10:11:14 [emerg] 1#1: bind() to 0.0.0.0:80 failed (98: Address already in use)",
  ],
  "apache.error": [
    "[Sat Mar 14 10:11:12.345678 2026] [core:error] [pid 1234:tid 140234] [client 203.0.113.9:4711] AH00126: Invalid URI in request GET /../etc HTTP/1.1",
    "[Sat Mar 14 10:11:13.345678 2026] [mpm_event:notice] [pid 1234] AH00489: Apache/2.4.62 (Unix) configured -- resuming normal operations",
    "[Sat Mar 14 10:11:14 2026] [error] [client 203.0.113.9] File does not exist: /var/www/favicon.ico",
  ],
  "haproxy.log": [
    'Mar 14 10:11:12 lb1 haproxy[12]: 203.0.113.9:4711 [14/Mar/2026:10:11:12.345] fe~ be/srv1 0/0/1/2/3 200 512 - - ---- 1/1/0/0/0 0/0 "GET /shop HTTP/1.1"',
    "Mar 14 10:11:13 lb1 haproxy[12]: 203.0.113.9:4712 [14/Mar/2026:10:11:13.345] tcp-in db/db1 1/0/5007 1281 -- 1/1/1/0/0 0/0",
    "Mar 14 10:11:14 lb1 haproxy[12]: Server be/srv1 is DOWN, reason: Layer4 timeout, check duration: 2001ms. 1 active and 0 backup servers left.",
  ],
  "postgresql.log": [
    '2026-03-14 10:11:12.345 UTC [1234] ann@shop ERROR:  relation "carts" does not exist at character 15',
    "2026-03-14 10:11:13.345 UTC [1234] ann@shop LOG:  duration: 1234.567 ms  statement: SELECT *\n\tFROM carts",
    "2026-03-14 10:11:14.345 UTC [1] LOG:  database system is ready to accept connections",
  ],
  "mysql.error": [
    "2026-03-14T10:11:12.345678Z 0 [Warning] [MY-010068] [Server] CA certificate ca.pem is self signed.",
    "2026-03-14T10:11:13.345678Z 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '8.0.41'  socket: '/tmp/mysql.sock'  port: 3306.",
    "2026-03-14 10:11:14 0 [Note] InnoDB: Completed initialization of buffer pool",
  ],
  "mysql.slowlog": [
    "# Time: 2026-03-14T10:11:12.345678Z\n# User@Host: app[app] @ web1 [10.0.0.5]  Id:    12\n# Query_time: 1.500000  Lock_time: 0.000002 Rows_sent: 1  Rows_examined: 100\nSET timestamp=1773483070;\nSELECT * FROM orders\nWHERE id = 7;",
    "# User@Host: app[app] @ web1 [10.0.0.5]  Id:    13\n# Query_time: 2.500000  Lock_time: 0.000002 Rows_sent: 1  Rows_examined: 100\nuse shop;\nSET timestamp=1773483073;\nUPDATE orders SET state = 'paid';",
    "# Time: 260314 10:11:14\n# User@Host: root[root] @ localhost []\n# Thread_id: 8  Schema: shop  QC_hit: No\n# Query_time: 1.000123  Lock_time: 0.000200  Rows_sent: 1  Rows_examined: 1\nSET timestamp=1773483074;\nSELECT SLEEP(1);",
  ],
  "mysql.general": [
    "2026-03-14T10:11:12.345678Z\t   12 Connect\tapp@web1 on shop using TCP/IP",
    "2026-03-14T10:11:13.345678Z\t   12 Query\tSELECT * FROM orders",
    "2026-03-14T10:11:14.345678Z\t   12 Quit\t",
  ],
  "mongodb.log": [
    '{"t":{"$date":"2026-03-14T10:11:12.345+00:00"},"s":"I","c":"NETWORK","id":22943,"ctx":"listener","msg":"Connection accepted","attr":{"remote":"203.0.113.9:4711","connectionId":7,"connectionCount":1}}',
    "2026-03-14T10:11:13.345+0000 I NETWORK  [listener] connection accepted from 203.0.113.9:4711 #7 (1 connection now open)",
    '{"t":{"$date":"2026-03-14T10:11:14.345+00:00"},"s":"W","c":"CONTROL","id":22120,"ctx":"initandlisten","msg":"Access control is not enabled for the database"}',
  ],
  "redis.log": [
    "12:M 14 Mar 2026 10:11:12.345 * Ready to accept connections",
    "12:S 14 Mar 2026 10:11:13.345 # Connection with master lost.",
    "12:C 14 Mar 2026 10:11:14.345 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo",
  ],
  "kafka.log": [
    "[2026-03-14 10:11:12,345] INFO [GroupCoordinator 0]: Preparing to rebalance group shop (kafka.coordinator.group.GroupCoordinator)",
    "[2026-03-14 10:11:13,345] ERROR [ReplicaManager broker=0] Error processing append (kafka.server.ReplicaManager)\norg.apache.kafka.common.errors.RecordTooLargeException: The record is too large\n\tat kafka.log.Log.append(Log.scala:12)",
    "[2026-03-14 10:11:14,345] WARN Session 0x0 for server zk1/10.0.0.3:2181 (org.apache.zookeeper.ClientCnxn)",
  ],
  "traefik.access": [
    '203.0.113.9 - - [14/Mar/2026:10:11:12 +0000] "GET /shop HTTP/2.0" 200 512 "-" "Probe/1.0" 7 "shop@docker" "http://10.0.0.7:80" 12ms',
    '{"ClientAddr":"203.0.113.9:4711","ClientHost":"203.0.113.9","DownstreamContentSize":12,"DownstreamStatus":404,"Duration":1234567,"RequestMethod":"GET","RequestPath":"/x","RequestProtocol":"HTTP/1.1","RouterName":"shop@docker","StartUTC":"2026-03-14T10:11:13.345Z","entryPointName":"web","level":"info","msg":"","time":"2026-03-14T10:11:13Z"}',
    '203.0.113.9 - - [14/Mar/2026:10:11:14 +0000] "GET /none HTTP/1.1" 404 19 "-" "Probe/1.0" 8 "-" "-" 0ms',
  ],
  "iis.access": [
    "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2026-03-14 10:00:00\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken",
    "2026-03-14 10:11:12 10.0.0.7 GET /shop/cart.aspx id=7 443 ann 203.0.113.9 Mozilla/5.0+(Probe;+x64) https://shop.example/ 500 19 5 1234",
    "2026-03-14 10:11:13 10.0.0.7 POST /shop/pay.aspx - 443 - 203.0.113.9 Mozilla/5.0+(Probe;+x64) - 200 0 0 12",
  ],
  "iis.error": [
    "#Software: Microsoft HTTP API 2.0\n#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename",
    "2026-03-14 10:11:12 203.0.113.9 4711 10.0.0.7 443 HTTP/1.1 GET /..\\win.ini 400 - URL -",
    "2026-03-14 10:11:13 203.0.113.9 4712 10.0.0.7 443 - - - - - Timer_ConnectionIdle -",
  ],
  "aws.cloudfront_logs": [
    "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken",
    "2026-03-14\t10:11:12\tFRA2-C1\t392\t203.0.113.9\tGET\td111.cloudfront.net\t/index.html\t200\t-\tProbe/1.0\tid=7\t-\tHit\tSOX4xw==\tshop.example\thttps\t23\t0.025",
    "2026-03-14\t10:11:13\tFRA2-C1\t512\t203.0.113.9\tGET\td111.cloudfront.net\t/x\t404\t-\tProbe/1.0\t-\t-\tError\tTOX4xw==\tshop.example\thttps\t23\t0.125",
  ],
  "aws.elb_logs": [
    'https 2026-03-14T10:11:12.345678Z app/shop/50dc6c49 203.0.113.9:4711 10.0.0.7:8080 0.001 0.200 0.002 502 - 34 366 "POST https://shop.example:443/pay HTTP/2.0" "Probe/1.0" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/shop/73e2 "Root=1-58337364-23a8c76965a2ef7629b185e3" "shop.example" "-" 0 2026-03-14T10:11:12.100000Z "forward" "-" "-" "10.0.0.7:8080" "-" "-" "-"',
    '2026-03-14T10:11:13.345678Z shop 203.0.113.9:4711 10.0.0.7:8080 0.000025 0.5 0.000075 200 201 12 340 "GET https://shop.example:443/cart HTTP/1.1" "Probe/1.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2',
    "tls 2.0 2026-03-14T10:11:14 net/shop/c6e7 g3d4 203.0.113.9:4711 10.0.0.7:443 5 2 98 246 - - - ECDHE-RSA-AES128-SHA tlsv12 - shop.example - - - 2026-03-14T10:11:07",
  ],
  "aws.s3access": [
    '79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be shop-assets [14/Mar/2026:10:11:12 +0000] 203.0.113.9 arn:aws:iam::111122223333:user/ann DD6CC733AAAAAAAA REST.GET.OBJECT a.pdf "GET /a.pdf HTTP/1.1" 200 - 297 297 38 12 "-" "Probe/1.0" - 10S62Z= SigV4 ECDHE-RSA-AES128-SHA AuthHeader shop-assets.s3.eu-central-1.amazonaws.com TLSv1.3 - -',
    '79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be shop-assets [14/Mar/2026:10:11:13 +0000] 203.0.113.9 - DD6CC733AAAAAAAB REST.GET.OBJECT b.pdf "GET /b.pdf HTTP/1.1" 403 AccessDenied 243 - 8 - "-" "Probe/1.0" -',
    "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be shop-assets [14/Mar/2026:10:11:14 +0000] - arn:aws:iam::111122223333:user/ann DD6CC733AAAAAAAC BATCH.DELETE.OBJECT c.pdf - 204 - - 12 - - - - - 10S62Z= SigV4 - AuthHeader shop-assets.s3.eu-central-1.amazonaws.com TLSv1.3 - -",
  ],
  "aws.vpcflow": [
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
    "2 111122223333 eni-0a1b2c3d4e5f60718 203.0.113.9 10.0.0.7 4711 443 6 20 4249 1773483072 1773483132 ACCEPT OK",
    "2 111122223333 eni-0a1b2c3d4e5f60718 - - - - - - - 1773483132 1773483192 - NODATA",
  ],
  "aws.cloudtrail": [
    '{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"ann","accountId":"111122223333"},"eventTime":"2026-03-14T10:11:12Z","eventSource":"s3.amazonaws.com","eventName":"PutObject","awsRegion":"eu-central-1","sourceIPAddress":"203.0.113.9","userAgent":"aws-cli/2.0","requestParameters":{"bucketName":"shop"},"responseElements":null,"eventID":"11111111-2222-3333-4444-555555555555","eventType":"AwsApiCall","recipientAccountId":"111122223333"}',
    '{"eventVersion":"1.08","userIdentity":{"type":"Root","accountId":"111122223333"},"eventTime":"2026-03-14T10:11:13Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.9","userAgent":"Probe/1.0","responseElements":{"ConsoleLogin":"Success"},"eventID":"11111111-2222-3333-4444-555555555556","eventType":"AwsConsoleSignIn","recipientAccountId":"111122223333"}',
  ],
  "aws.waf": [
    '{"timestamp":1773483072345,"formatVersion":1,"webaclId":"arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop/1d2b","terminatingRuleId":"Default_Action","terminatingRuleType":"REGULAR","action":"ALLOW","httpSourceName":"ALB","httpSourceId":"111122223333-app/shop/50dc","ruleGroupList":[],"rateBasedRuleList":[],"nonTerminatingMatchingRules":[],"httpRequest":{"clientIp":"203.0.113.9","country":"DE","headers":[{"name":"Host","value":"shop.example"}],"uri":"/cart","args":"","httpVersion":"HTTP/2.0","httpMethod":"GET","requestId":"1-69b5-0"}}',
    '{"timestamp":1773483072346,"formatVersion":1,"webaclId":"arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop/1d2b","terminatingRuleId":"flood","terminatingRuleType":"RATE_BASED","action":"BLOCK","httpSourceName":"ALB","httpSourceId":"111122223333-app/shop/50dc","ruleGroupList":[],"rateBasedRuleList":[],"nonTerminatingMatchingRules":[],"httpRequest":{"clientIp":"203.0.113.9","country":"DE","headers":[{"name":"Host","value":"shop.example"}],"uri":"/cart","args":"","httpVersion":"HTTP/2.0","httpMethod":"GET","requestId":"1-69b5-1"}}',
    '{"timestamp":1773483072347,"formatVersion":1,"webaclId":"arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop/1d2b","terminatingRuleId":"robots","terminatingRuleType":"MANAGED_RULE_GROUP","action":"CHALLENGE","httpSourceName":"ALB","httpSourceId":"111122223333-app/shop/50dc","ruleGroupList":[],"rateBasedRuleList":[],"nonTerminatingMatchingRules":[],"httpRequest":{"clientIp":"203.0.113.9","country":"DE","headers":[{"name":"Host","value":"shop.example"}],"uri":"/cart","args":"","httpVersion":"HTTP/2.0","httpMethod":"GET","requestId":"1-69b5-2"}}',
  ],
  "aws.route53_resolver_logs": [
    '{"version":"1.100000","account_id":"111122223333","region":"eu-west-1","vpc_id":"vpc-1a2b","query_timestamp":"2026-03-14T10:11:10Z","query_name":"shop.example.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[{"Rdata":"203.0.113.9","Type":"A","Class":"IN"}],"srcaddr":"10.0.0.7","srcport":"56067","transport":"UDP","srcids":{"instance":"i-0d15"}}',
    '{"version":"1.100000","account_id":"111122223333","region":"eu-west-1","vpc_id":"vpc-1a2b","query_timestamp":"2026-03-14T10:11:11Z","query_name":"nowhere.example.","query_type":"A","query_class":"IN","rcode":"NXDOMAIN","answers":[],"srcaddr":"10.0.0.7","srcport":"56067","transport":"UDP","srcids":{"instance":"i-0d15"}}',
    '{"version":"1.100000","account_id":"111122223333","region":"eu-west-1","vpc_id":"vpc-1a2b","query_timestamp":"2026-03-14T10:11:12Z","query_name":"bad.example.","query_type":"A","query_class":"IN","rcode":"SERVFAIL","answers":[],"srcaddr":"10.0.0.7","srcport":"56067","transport":"UDP","srcids":{"instance":"i-0d15"}}',
  ],
  "aws.firewall_logs": [
    '{"firewall_name":"edge","availability_zone":"eu-west-1a","event_timestamp":"1773483072","event":{"timestamp":"2026-03-14T10:11:12.345678+0000","flow_id":1082084124789,"src_ip":"10.0.0.7","src_port":51254,"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","event_type":"alert","app_proto":"tls","alert":{"action":"blocked","signature_id":1000003,"rev":1,"signature":"not on the list","category":"","severity":1}}}',
    '{"firewall_name":"edge","availability_zone":"eu-west-1a","event_timestamp":"1773483072","event":{"timestamp":"2026-03-14T10:11:12.345678+0000","flow_id":1082084124789,"src_ip":"10.0.0.7","src_port":51254,"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","event_type":"netflow","app_proto":"tls","netflow":{"pkts":7,"bytes":4249,"start":"2026-03-14T10:10:12.000000+0000","end":"2026-03-14T10:11:12.000000+0000"}}}',
    '{"firewall_name":"edge","availability_zone":"eu-west-1a","event_timestamp":"1773483072","event":{"timestamp":"2026-03-14T10:11:12.345678+0000","flow_id":1082084124789,"src_ip":"10.0.0.7","src_port":51254,"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","event_type":"alert","app_proto":"http","alert":{"action":"allowed","signature_id":2,"rev":1,"signature":"seen","category":"","severity":3},"http":{"hostname":"shop.example","url":"/cart","http_method":"GET","status":200}}}',
  ],
  "aws.ec2": [
    "2026-03-14T10:11:12.000Z Mar 14 10:11:12 ip-10-0-0-7 dhclient[2912]: DHCPREQUEST on eth0 to 10.0.0.1 port 67",
    "2026-03-14T10:11:13.000Z Mar 14 10:11:13 ip-10-0-0-7 systemd: Started Session 1 of user root.",
  ],
  "aws.cloudwatch": [
    "2026-03-14T10:11:12.000Z START RequestId: 6f1c2a3b Version: $LATEST",
    "2026-03-14T10:11:13.000Z anything that a program prints",
  ],
  "system.auth": [
    "Mar 14 10:11:12 web1 sshd[1234]: Accepted publickey for ann from 203.0.113.9 port 4711 ssh2: RSA SHA256:abc",
    "Mar 14 10:11:13 web1 sudo:      ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/bin/ls",
    "Mar 14 10:11:14 web1 CRON[1235]: pam_unix(cron:session): session closed for user root",
  ],
  "system.syslog": [
    "Mar 14 10:11:12 web1 kernel: [12345.678901] Out of memory: Killed process 1234 (java)",
    "2026-03-14T10:11:13.345678+00:00 web1 systemd[1]: Stopped target Basic System.",
    "<30>1 2026-03-14T10:11:14.345Z web1 dockerd 812 - - API listen on /run/docker.sock",
  ],
  ecs: [
    '{"@timestamp":"2026-03-14T10:11:12.345Z","log.level":"error","message":"payment failed","ecs.version":"8.11.0","service.name":"shop"}',
    '{"@timestamp":"2026-03-14T10:11:13.345Z","log":{"level":"info"},"message":"started","ecs":{"version":"8.11.0"},"host":{"name":"web1"}}',
  ],
  "envoyproxy.log": [
    '[2026-03-14T10:11:12.345Z] "GET /shop HTTP/2" 200 - 0 512 12 11 "203.0.113.9" "Probe/1.0" "6f1c2a3b" "shop.example" "10.0.0.7:80"',
    '[2026-03-14T10:11:13.345Z] "GET /shop HTTP/1.1" 503 UF via_upstream - "-" 0 91 12 - "203.0.113.9" "Probe/1.0" "6f1c2a3c" "shop.example" "10.0.0.7:80" outbound|80||shop.default.svc.cluster.local - 10.0.0.2:80 203.0.113.9:4711 - default',
    '{"start_time":"2026-03-14T10:11:14.345Z","method":"GET","path":"/shop","protocol":"HTTP/2","response_code":200,"response_flags":"-","bytes_received":0,"bytes_sent":512,"duration":12,"upstream_host":"10.0.0.7:80","upstream_cluster":"shop","user_agent":"Probe/1.0","authority":"shop.example"}',
  ],
  "caddy.access": [
    '{"level":"info","ts":1773483072.345,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"203.0.113.9","remote_port":"4711","client_ip":"203.0.113.9","proto":"HTTP/2.0","method":"GET","host":"shop.example","uri":"/shop?id=7","headers":{"User-Agent":["Probe/1.0"]}},"bytes_read":0,"user_id":"","duration":0.001234,"size":512,"status":200,"resp_headers":{"Server":["Caddy"]}}',
    '{"level":"error","ts":1773483073.345,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"203.0.113.9","remote_port":"4711","proto":"HTTP/1.1","method":"GET","host":"shop.example","uri":"/x","headers":{}},"duration":0.2,"size":0,"status":502,"resp_headers":{}}',
  ],
  "caddy.log": [
    '{"level":"info","ts":1773483072.345,"logger":"admin","msg":"admin endpoint started","address":"localhost:2019","enforce_origin":false}',
    '{"level":"error","ts":1773483073.345,"logger":"tls.obtain","msg":"could not get certificate from issuer","identifier":"shop.example","error":"HTTP 429"}',
  ],
  "app.access": [
    'INFO:     203.0.113.9:4711 - "GET /cart?id=7 HTTP/1.1" 200 OK',
    '[14/Mar/2026 10:11:13] "GET /admin/ HTTP/1.1" 302 0',
    '[GIN] 2026/03/14 - 10:11:14 | 200 |     1.2345ms |     203.0.113.9 | GET      "/cart"',
  ],
  "app.json": [
    '{"level":30,"time":1773483072345,"pid":12,"hostname":"web1","name":"shop","msg":"started"}',
    '{"level":"error","timestamp":"2026-03-14T10:11:13.345Z","message":"payment failed","stack":"Error: no cart\\n    at pay (/srv/pay.js:1:2)"}',
    '{"timeMillis":1773483074345,"thread":"main","level":"WARN","loggerName":"com.example.Shop","message":"slow"}',
  ],
  "app.pretty_json": [
    '{\n  "instant" : {\n    "epochSecond" : 1773483072,\n    "nanoOfSecond" : 345000000\n  },\n  "thread" : "main",\n  "level" : "ERROR",\n  "message" : "payment failed",\n  "thrown" : {\n    "name" : "java.lang.IllegalStateException",\n    "message" : "no cart"\n  }\n}',
    '{\n  "level": "info",\n  "time": "2026-03-14T10:11:13Z",\n  "msg": "started"\n}',
  ],
  "app.logfmt": [
    'time=2026-03-14T10:11:12.345Z level=INFO msg="cart opened" cart=7',
    'ts=2026-03-14T10:11:13.345Z level=error msg="payment failed" err="no cart"',
  ],
  "app.log": [
    "2026-03-14 10:11:12,345 ERROR [main] com.example.Shop - payment failed\njava.lang.IllegalStateException: no cart\n\tat com.example.Shop.pay(Shop.java:42)\nCaused by: java.io.IOException: closed\n\tat com.example.Db.read(Db.java:7)",
    "2026-03-14 10:11:13,345 INFO [main] com.example.Shop - started",
    "I0314 10:11:14.345678       1 main.go:42] Starting controller",
  ],
};

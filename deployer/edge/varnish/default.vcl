vcl 4.1;
# A node of the cache between the HAProxy nodes. What stands in double braces is filled in.
import std;
import directors;

probe alive {
    .url = "/edge-alive";
    .interval = 1s;
    # A machine without time answers late, and one that is gone refuses at once.
    .timeout = 2s;
    .window = 4;
    .threshold = 2;
    .initial = 2;
}
{{#haproxyNodes}}
backend {{id}} {
    .host = "{{host}}";
    .port = "{{port}}";
    .connect_timeout = 500ms;
    .first_byte_timeout = {{allAttemptsMs}}ms;
    .between_bytes_timeout = 30s;
    .probe = alive;
}
{{/haproxyNodes}}

# Membership is HAProxy's: a deploy changes nothing here.
sub vcl_init {
    new internal = directors.round_robin();
{{#haproxyNodes}}
    internal.add_backend({{id}});
{{/haproxyNodes}}
}

sub vcl_recv {
    if (req.url == "/varnish-alive") {
        return (synth(200));
    }
    # Purges and bans come through varnishadm only.
    if (req.method == "PURGE" || req.method == "BAN") {
        return (synth(405));
    }
    set req.backend_hint = internal.backend();
    # HAProxy has written the address of the client, and Varnish has appended that of HAProxy.
    if (req.restarts == 0) {
        set req.http.x-forwarded-for = regsub(req.http.x-forwarded-for, ", *[^,]*$", "");
    }
    if (req.http.user-agent ~ "(?i)bot|crawl|spider|slurp") {
        set req.http.x-device = "bot";
    } elsif (req.http.user-agent ~ "(?i)mobile|android|iphone|ipad") {
        set req.http.x-device = "mobile";
    } else {
        set req.http.x-device = "desktop";
    }
    # A class of countries instead of the country, so that there are few variants.
    if (req.http.x-country ~ "^(AT|BE|BG|CH|CY|CZ|DE|DK|EE|ES|FI|FR|GB|GR|HR|HU|IE|IS|IT|LI|LT|LU|LV|MT|NL|NO|PL|PT|RO|SE|SI|SK)$") {
        set req.http.x-country-class = "europe";
    } elsif (req.http.x-country ~ "^[A-Z][A-Z]$") {
        set req.http.x-country-class = "world";
    } else {
        set req.http.x-country-class = "unknown";
    }
    # HAProxy sends nothing else here.
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # Of several lines Varnish would read the first one only.
    std.collect(req.http.cookie, "; ");
    # What counts visits says nothing about the response. Any other cookie may be a session.
    set req.http.x-cookie = regsuball("; " + req.http.cookie, "; *(_ga(_[A-Z0-9]+)?|_gid|_gat(_[^=;]*)?|_gcl_[a-z]+|__utm[a-z]+|_fbp)=[^;]*", "");
    if (req.http.authorization || req.http.x-cookie ~ "[^; ]") {
        unset req.http.x-cookie;
        return (pass);
    }
    unset req.http.x-cookie;
    unset req.http.cookie;
    return (hash);
}

sub vcl_hash {
    hash_data(req.http.x-workload);
    hash_data(req.http.x-lane);
    hash_data(req.http.x-release);
    hash_data(req.http.x-device);
    hash_data(req.http.x-country-class);
    # The URL and the host are added by the built-in code.
}

# At another node, if nothing can have been done twice; a second time, as a node and a task may end together.
sub retry_elsewhere {
    if (bereq.retries < 2 && (bereq.method == "GET" || bereq.method == "HEAD")) {
        set bereq.http.x-tried = beresp.backend.name;
        return (retry);
    }
}

sub vcl_backend_fetch {
    if (bereq.retries > 0) {
        set bereq.backend = internal.backend();
        # Beside other requests, the next one in turn may be the node that has just failed.
{{#haproxyNodes}}
        if (bereq.http.x-tried != "{{id}}" && std.healthy({{id}})) {
            set bereq.backend = {{id}};
        }
{{/haproxyNodes}}
    }
    unset bereq.http.x-tried;
}

sub vcl_backend_response {
    # Without this header the answer is HAProxy's own: it had no task at that moment.
    if (beresp.status >= 500 && !beresp.http.x-served-lane) {
        call retry_elsewhere;
    }
    # Clients get it once all of it is here, so that it can be asked for again if the task ends in the middle.
    if (std.integer(beresp.http.content-length, 1048577) <= 1048576) {
        set beresp.do_stream = false;
    }
    set beresp.grace = 5m;
    set beresp.keep = 10m;
    # The classes are in the key already, and a raw user agent would store a response for each browser.
    if (beresp.http.vary ~ "(?i)user-agent") {
        set beresp.http.vary = regsuball(beresp.http.vary, "(?i)user-agent", "x-device");
    }
    std.collect(beresp.http.cache-tag);
    set beresp.http.x-url = bereq.url;
    set beresp.http.x-host = std.tolower(bereq.http.host);
    set beresp.http.x-workload = bereq.http.x-workload;
    set beresp.http.x-key-release = bereq.http.x-release;
    if (beresp.status >= 500) {
        if (bereq.is_bgfetch) {
            return (abandon);
        }
        set beresp.uncacheable = true;
        set beresp.ttl = 1s;
        set beresp.grace = 0s;
        return (deliver);
    }
    # The other colour has answered, whose release this is not; and a session is of one client.
    if (beresp.http.x-served-lane != bereq.http.x-lane || beresp.http.set-cookie) {
        set beresp.uncacheable = true;
        set beresp.ttl = 10s;
        set beresp.grace = 0s;
        return (deliver);
    }
    # The built-in code follows: private, no-store and no-cache are not stored.
}

sub vcl_backend_error {
    call retry_elsewhere;
    set beresp.http.content-type = "text/plain; charset=utf-8";
    # A task that broke off is no reason to take the cache for dead.
    if (bereq.backend && std.healthy(bereq.backend)) {
        set beresp.status = 502;
        set beresp.reason = "Bad Gateway";
    }
    set beresp.body = "" + beresp.status + " " + beresp.reason;
    return (deliver);
}

sub vcl_synth {
    set resp.http.content-type = "text/plain; charset=utf-8";
    set resp.body = "" + resp.status + " " + resp.reason;
    unset resp.http.x-varnish;
    return (deliver);
}

sub vcl_deliver {
    if (obj.uncacheable) {
        set resp.http.x-cache = "pass";
    } elsif (obj.hits > 0) {
        set resp.http.x-cache = "hit";
    } else {
        set resp.http.x-cache = "miss";
    }
    if (resp.http.vary) {
        set resp.http.vary = regsuball(resp.http.vary, "x-device", "User-Agent");
    }
    unset resp.http.x-url;
    unset resp.http.x-host;
    unset resp.http.x-workload;
    unset resp.http.x-key-release;
    unset resp.http.cache-tag;
    unset resp.http.x-varnish;
    unset resp.http.via;
}

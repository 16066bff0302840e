/** The ARN of a topic: partition, region, account, name. */
const TOPIC_ARN =
  /^arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}[a-z0-9-]{1,30}):(\d{12}):[\w-]{1,256}(?:\.fifo)?$/;
const CERTIFICATE_PATH = /^\/SimpleNotificationService-[0-9a-f]{1,64}\.pem$/;

/** The host of SNS in the region of the topic; undefined if it is no topic. */
function snsHostOf(topicArn: string): string | undefined {
  const [, partition, region] = TOPIC_ARN.exec(topicArn) ?? [];
  if (region === undefined) return undefined;
  return `sns.${region}.amazonaws.com${partition === "aws-cn" ? ".cn" : ""}`;
}

/** The URL of the certificate, if it is one of SNS in the region of the topic. */
export function certificateUrl(url: string, topicArn: string): string | undefined {
  const host = snsHostOf(topicArn);
  const prefix = `https://${host}`;
  // Compared as text, because programs differ in how they read unusual URLs.
  const isOfHost = host !== undefined && url.startsWith(`${prefix}/`);
  return isOfHost && CERTIFICATE_PATH.test(url.slice(prefix.length)) ? url : undefined;
}

type Subscription = { SubscribeURL: string; TopicArn: string; Token: string };

/**
 * The URL that confirms this subscription, if the message names it. It is composed from the checked parts, so that nothing
 * else can be requested.
 */
export function confirmationUrl({
  SubscribeURL,
  TopicArn,
  Token,
}: Subscription): string | undefined {
  const host = snsHostOf(TopicArn);
  if (host === undefined || !SubscribeURL.startsWith(`https://${host}/?`)) return undefined;
  const named = new URLSearchParams(SubscribeURL.slice(`https://${host}/?`.length));
  const expected = { Action: "ConfirmSubscription", TopicArn, Token };
  const isSame =
    [...named.keys()].length === Object.keys(expected).length &&
    Object.entries(expected).every(([name, value]) => named.get(name) === value);
  return isSame ? `https://${host}/?${new URLSearchParams(expected).toString()}` : undefined;
}

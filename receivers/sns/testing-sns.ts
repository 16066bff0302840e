import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

import { type SnsMessage, type SnsNotification, signedText } from "./sns-message.ts";

export const TOPIC = "arn:aws:sns:eu-west-1:123456789012:MyTopic";
export const CERTIFICATE_URL =
  "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem";

/** A key and its certificate that were made for these tests. */
export const SNS_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIDGzCCAgOgAwIBAgIUJDjPQXK6Hc1mYZkejC1kl7DP6JowDQYJKoZIhvcNAQEL
BQAwHDEaMBgGA1UEAwwRc25zLmFtYXpvbmF3cy5jb20wIBcNMjYxMTI5MjI0MTQ1
WhgPMjEyNjExMDUyMjQxNDVaMBwxGjAYBgNVBAMMEXNucy5hbWF6b25hd3MuY29t
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAlYktOIQ+mZjopxWt4Ku0
Q/mWRxljfvvQ6d4cPjs8x4gHUDUhjD6S6LJcogN080ju5fLtMuT/9KmPjB8EeKyH
Xo2YlviropzUQitPib5rsxUKB/MFNXxcYOB9Ljp5LKkEtfxhayw6L/+AljHxe8z1
SZVVmCMr/AeTu2rTHyV7Kq117Pv3pXefo/WVMlic0lxWsZuU9Ybap9aqu34f9Tyo
ebiBAyYBYY+S7Nqp0CvZwNEGDEK9u/2bug/GC9G7Pp3QyfKzBknakkDE1qdrGcLR
of36UqBNR5ZEx/hBvZrQOjwhiGqyx/V9roA/Dozyu8aRmwq2riucKlCjdBrkmD6B
2QIDAQABo1MwUTAdBgNVHQ4EFgQUjuakVLAKuWRhENCUX7kkr6GF6ukwHwYDVR0j
BBgwFoAUjuakVLAKuWRhENCUX7kkr6GF6ukwDwYDVR0TAQH/BAUwAwEB/zANBgkq
hkiG9w0BAQsFAAOCAQEAaGilXc6exoS8toRZMT7zAD+jtfpsgRbpAVt9zXGu8BlH
L5s0gd3/YWhYO8MQu9J/le1A/F+zys4kRNtfurfbMlHgJgpSdFUBu+abTT0UtReb
1AyaSMas1iIm3AcVQKu5AIBcFwsNOWx+GaLhvNWRQcKitwbHhcfF+ekp7AsS6MLa
fRz1Q/ktt67V2rOyL2wDJyu39kd08DzuaO95nOb+A4narw2OlOZkq1n+HMnuXwMh
B8KYRClyFxRdO2oXu0W/2kfK3npwUkaTMSzppdCQWL+53MFpJsOT9FzI6NtvC4/U
//rOmiZtdBf0tyoZEWfKiJUL25PVNcR2DBA4sDdGwA==
-----END CERTIFICATE-----`;
const SNS_KEY = createPrivateKey(`-----BEGIN PRIVATE KEY-----
MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQCViS04hD6ZmOin
Fa3gq7RD+ZZHGWN++9Dp3hw+OzzHiAdQNSGMPpLoslyiA3TzSO7l8u0y5P/0qY+M
HwR4rIdejZiW+KuinNRCK0+JvmuzFQoH8wU1fFxg4H0uOnksqQS1/GFrLDov/4CW
MfF7zPVJlVWYIyv8B5O7atMfJXsqrXXs+/eld5+j9ZUyWJzSXFaxm5T1htqn1qq7
fh/1PKh5uIEDJgFhj5Ls2qnQK9nA0QYMQr27/Zu6D8YL0bs+ndDJ8rMGSdqSQMTW
p2sZwtGh/fpSoE1HlkTH+EG9mtA6PCGIarLH9X2ugD8OjPK7xpGbCrauK5wqUKN0
GuSYPoHZAgMBAAECggEAA5sxzH2f9ttRrQngTh1F9Se1QJSzqhHPmXxCSRvrnNJC
fuQxIW025Ma8ZinYLa/SFxiTMNmF9LQMIrByzqg2gYi/p9BqbzsCAXCC9Ar0FPcK
bWOmegI8RhfT3QQK/RE8bFkgTlHcO2EZjEW7EaXBOpuP22HpwyO5o9jxK3yfakmI
LcqOXkmEGB/0TdeDklzgYIwmASi4dpOJhSsjSN90ywAm2gMSCLNiHQkxc6NY2M+Z
AVH+FsEkViaNZqblUYBfSMTm1hxGAKyM3/thSoPguKDe5dxCvkdxuZ0Eh6dm/AIl
CiPoaIDKXtWZXrarcf8gv7fLdq8+qgR/4vulSXZZQQKBgQDON8X4IiJHdjDFAGeF
SXDogM+4c4t7GzPg+5/3FI4qrz7Mv884f+rzjW/3li26V0JNKAEIuaHl2uXAE2Vg
8IUguWDIr00D3Z7ARSG66OnDA7WwaL0BhOWzbGm2NCumF64Dce+vC9/UaxDyPBTA
mxUwOppFfAPhtzV6nU3dc81b0QKBgQC5oncBPTekM+p71vEbHkSjp4TohmZWWYhz
oIAPci0g0yZkdtwAO41UEWBpsIJggBS0XqDhrI47Sn1ufdeA3x0DyEynhgX4z0Tf
9QOUL6/L4kvtyz/ELoi4tUBJ1B2B28BnF4q33UHR0VQ3okabJBUd28aAgX0c9+X3
cJcL++0viQKBgQCJZuoWig/TE7ItITbYvXVoxaMiIILYVOi9SItuYxjS4g9y937I
A5t2ClCHZF41obyAkl4WBTIVaEPbNlE/RSM/CaWuMfeb0sfbDnUKB/TxxoAB+det
snImmd7Z02sd8Ps2Om1ccgoCjBAvhs7BAtQcXX+7OoWPmLYea7+dBXLYcQKBgQCu
YBidx12PF116ewv9R09+04ubyTQ0hOISi4AAAma14OK9mJFMfqRhhfklDrNJ5saM
MB+8HZV1yKFOu1NGMU9WED9BVjoh4MF4BvYXqzvdr3NXqob5yCSSLWB4eZJGO6De
tlSOJn7/kz0jDYJ5lUloxNwQNpLKNWuGJfMdRMcm0QKBgQDMVFnGSXqpb7co3gz9
t8OOV340mDCXcILqVsLhMqGxXtft3R6k/B78PMJqA2YqhQnzEfymbEgrETXbgC5+
ZXh3xp4sIVc6+tVAVe1IrDsjkckSVlgXRqWg6wpJqc+zbqGG8FEPVZbo5snAfjt7
o+09dxchw4Xpwrd7mbd+mtSCrg==
-----END PRIVATE KEY-----`);
export const OTHER_KEY = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

const COMMON = {
  MessageId: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
  TopicArn: TOPIC,
  SigningCertURL: CERTIFICATE_URL,
  SignatureVersion: "1" as const,
  Signature: "",
};

/** A message of that time; epoch ms. */
export const notification = (atMs: number): SnsNotification => ({
  ...COMMON,
  Type: "Notification",
  Subject: "My subject",
  Message: "Hello world!",
  Timestamp: new Date(atMs).toISOString(),
});

export const confirmation = (
  atMs: number,
  Type: "SubscriptionConfirmation" | "UnsubscribeConfirmation" = "SubscriptionConfirmation",
): SnsMessage => ({
  ...COMMON,
  Type,
  Message: "You have chosen to subscribe",
  Token: "2336412f37",
  SubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336412f37`,
  Timestamp: new Date(atMs).toISOString(),
});

/** Signed as SNS does, or by another key. */
export function signed<M extends SnsMessage>(message: M, key: KeyObject = SNS_KEY): M {
  const algorithm = message.SignatureVersion === "1" ? "RSA-SHA1" : "RSA-SHA256";
  const signature = sign(algorithm, Buffer.from(signedText(message)), key);
  return { ...message, Signature: signature.toString("base64") };
}

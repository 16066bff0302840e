import { expect, test } from "vitest";

import { detectFormat } from "../detect.ts";
import { parseLine, parseLines } from "./parse-lines.ts";

const AT = "[2026-03-14 10:11:12,345]";

test("a message with its component and class", () => {
  const line = `${AT} INFO [GroupCoordinator 1]: Preparing to rebalance (kafka.coordinator.group.GroupCoordinator)`;
  expect(parseLine("kafka.log", line)).toMatchObject({
    "@timestamp": "2026-03-14T09:11:12.345Z",
    "log.level": "INFO",
    message: "Preparing to rebalance",
    "kafka.log.component": "GroupCoordinator 1",
    "kafka.log.class": "kafka.coordinator.group.GroupCoordinator",
    "event.type": ["info"],
  });
  expect(detectFormat(Buffer.from(`${line}\n`.repeat(3))).format?.dataset).toBe("kafka.log");
});

test("the layout with the thread", () => {
  const line = `${AT} [WARN ] [kafka-request-handler-7] [state.change.logger] - [Broker id=1] Ignoring`;
  expect(parseLine("kafka.log", line)).toMatchObject({
    "log.level": "WARN",
    message: "Ignoring",
    "kafka.log.thread": "kafka-request-handler-7",
    "kafka.log.class": "state.change.logger",
  });
});

test("a message of several lines ends with its class, and the trace follows", () => {
  const log = [
    `${AT} INFO KafkaConfig values: `,
    "\tport = 9092",
    " (kafka.server.KafkaConfig)",
    `${AT} ERROR Error while loading (kafka.log.LogManager)`,
    "java.io.IOException: Broken pipe",
    "\tat java.base/sun.nio.ch.FileChannelImpl.write(FileChannelImpl.java:280)",
  ].join("\n");
  const [config, error, ...others] = parseLines("kafka.log", log, "text");
  expect(others).toEqual([]);
  expect(config).toMatchObject({
    message: "KafkaConfig values: \n\tport = 9092\n",
    "kafka.log.class": "kafka.server.KafkaConfig",
  });
  expect(error).toMatchObject({
    message: "Error while loading",
    "event.type": ["error"],
    "error.type": "java.io.IOException",
    "error.message": "Broken pipe",
  });
});

test("a failed authentication has the address of the client", () => {
  const line = `${AT} INFO [SocketServer brokerId=1] Failed authentication with /203.0.113.9 (SSL handshake failed) (org.apache.kafka.common.network.Selector)`;
  expect(parseLine("kafka.log", line)).toMatchObject({
    "source.ip": "203.0.113.9",
    "event.outcome": "failure",
    "event.category": ["authentication"],
  });
});

test("a time in brackets alone does not make a line one of Kafka", () => {
  expect(parseLine("kafka.log", `${AT} hello`)["event.kind"]).toBe("pipeline_error");
});

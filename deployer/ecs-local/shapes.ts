import { z } from "zod";

/** Parts of requests that are stored as they were sent. */

export const Tag = z.object({ key: z.string(), value: z.string() });
export type Tag = z.infer<typeof Tag>;

export const HealthStatus = z.enum(["HEALTHY", "UNHEALTHY", "UNKNOWN"]);
export type HealthStatus = z.infer<typeof HealthStatus>;

export const NetworkConfiguration = z.looseObject({
  awsvpcConfiguration: z.looseObject({ subnets: z.array(z.string()) }).optional(),
});

const Seconds = (min: number, max: number) => z.int().min(min).max(max).optional();

export const HealthCheck = z.object({
  command: z.array(z.string()).min(1),
  interval: Seconds(5, 300),
  timeout: Seconds(2, 60),
  retries: z.int().min(1).max(10).optional(),
  startPeriod: Seconds(0, 300),
});
export type HealthCheck = z.infer<typeof HealthCheck>;

const Dependency = z.object({
  containerName: z.string(),
  condition: z.enum(["START", "COMPLETE", "SUCCESS", "HEALTHY"]),
});

const PortMapping = z.looseObject({
  containerPort: z.int().min(1).max(65_535),
  hostPort: z.int().min(0).max(65_535).optional(),
  protocol: z.enum(["tcp", "udp"]).optional(),
});

/** Fields that the endpoint does not use are kept and returned. */
export const ContainerDefinition = z.looseObject({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/),
  image: z.string().optional(),
  cpu: z.int().optional(),
  memory: z.int().optional(),
  memoryReservation: z.int().optional(),
  essential: z.boolean().optional(),
  entryPoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  environment: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
  secrets: z.array(z.object({ name: z.string(), valueFrom: z.string() })).optional(),
  workingDirectory: z.string().optional(),
  portMappings: z.array(PortMapping).optional(),
  dependsOn: z.array(Dependency).optional(),
  startTimeout: Seconds(2, 3_600),
  stopTimeout: Seconds(0, 120),
  healthCheck: HealthCheck.optional(),
});
export type ContainerDefinition = z.infer<typeof ContainerDefinition>;

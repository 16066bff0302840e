import { COLOURS } from "../drivers.ts";

/** A document of IAM. */
type Policy = { Version: "2012-10-17"; Statement: Statement[] };

type Statement = {
  Sid: string;
  Effect: "Allow";
  Action: string[];
  Resource: string[];
  Condition?: Record<string, Record<string, string | string[]>>;
};

export type Account = { account: string; region: string };

type Deployer = Account & {
  cluster: string;
  /** The workloads that it may deploy, with the families of their task definitions. */
  workloads: readonly { name: string; families: readonly string[] }[];
  /** ARNs of the roles with which tasks of these run. */
  roles: readonly string[];
};

/** What the deployer may do: what deployer/fleet/ asks Amazon ECS for, in one cluster, for these workloads. */
export function deployerPolicy({ cluster, workloads, roles, ...at }: Deployer): Policy {
  const arn = (resource: string): string => `arn:aws:ecs:${at.region}:${at.account}:${resource}`;
  const inCluster = { ArnEquals: { "ecs:cluster": arn(`cluster/${cluster}`) } };
  const services = workloads.flatMap(({ name }) =>
    COLOURS.map((colour) => arn(`service/${cluster}/${name}-${colour}`)),
  );
  const definitions = workloads.flatMap(({ families }) =>
    families.map((family) => arn(`task-definition/${family}:*`)),
  );
  const tasks = [arn(`task/${cluster}/*`)];
  return policy([
    allow("Cluster", ["ecs:DescribeClusters"], { on: [arn(`cluster/${cluster}`)] }),
    allow("Services", ["ecs:CreateService", "ecs:DescribeServices", "ecs:UpdateService"], {
      on: services,
      when: inCluster,
    }),
    allow("TaskDefinitions", ["ecs:RegisterTaskDefinition"], { on: definitions }),
    // These cannot be restricted.
    allow("ReadTaskDefinitions", ["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"], {
      on: ["*"],
    }),
    allow("OneOffTasks", ["ecs:RunTask"], { on: definitions, when: inCluster }),
    allow("Tasks", ["ecs:DescribeTasks"], { on: tasks, when: inCluster }),
    allow("ListTasks", ["ecs:ListTasks"], {
      on: [arn(`container-instance/${cluster}/*`)],
      when: inCluster,
    }),
    // Of what is created with tags; there is no request for it.
    allow("Tags", ["ecs:TagResource"], {
      on: [...services, ...definitions, ...tasks],
      when: {
        StringEquals: {
          "ecs:CreateAction": ["CreateService", "RegisterTaskDefinition", "RunTask"],
        },
      },
    }),
    allow("RolesOfTasks", ["iam:PassRole"], {
      on: [...roles],
      when: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
    }),
  ]);
}

type Execution = Account & {
  /** Of Amazon ECR in this account; undefined if the image is elsewhere. */
  repository: string | undefined;
  logGroup: string;
  /** ARNs. */
  secrets: readonly string[];
};

/** What Amazon ECS may do to start a task: fetch its image, write its output, and give it its secrets. */
export function executionPolicy({ repository, logGroup, secrets, ...at }: Execution): Policy {
  const place = `${at.region}:${at.account}`;
  return policy([
    ...(repository === undefined ? [] : imageStatements(`${place}:repository/${repository}`)),
    allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], {
      on: [`arn:aws:logs:${place}:log-group:${logGroup}:log-stream:*`],
    }),
    ...(secrets.length > 0
      ? [allow("Secrets", ["secretsmanager:GetSecretValue"], { on: [...secrets] })]
      : []),
  ]);
}

const imageStatements = (repository: string): Statement[] => [
  // It cannot be restricted.
  allow("Registry", ["ecr:GetAuthorizationToken"], { on: ["*"] }),
  allow(
    "Image",
    ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    { on: [`arn:aws:ecr:${repository}`] },
  ),
];

/** What programs with shared files may do: use these. Others need no rights at all. */
export const filesPolicy = (
  at: Account,
  { fileSystem, accessPoint }: { fileSystem: string; accessPoint: string },
): Policy => {
  const arn = (resource: string): string =>
    `arn:aws:elasticfilesystem:${at.region}:${at.account}:${resource}`;
  return policy([
    allow("Files", ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"], {
      on: [arn(`file-system/${fileSystem}`)],
      when: {
        ArnEquals: { "elasticfilesystem:AccessPointArn": arn(`access-point/${accessPoint}`) },
      },
    }),
  ]);
};

/** Who may take a role of a task: Amazon ECS, for tasks of this account. */
export const tasksTrust = ({ account, region }: Account): object => ({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Principal: { Service: "ecs-tasks.amazonaws.com" },
      Action: "sts:AssumeRole",
      Condition: {
        StringEquals: { "aws:SourceAccount": account },
        ArnLike: { "aws:SourceArn": `arn:aws:ecs:${region}:${account}:*` },
      },
    },
  ],
});

const policy = (Statement: Statement[]): Policy => ({ Version: "2012-10-17", Statement });

const allow = (
  Sid: string,
  Action: string[],
  { on, when }: { on: string[]; when?: Statement["Condition"] },
): Statement => ({
  Sid,
  Effect: "Allow",
  Action,
  Resource: on,
  ...(when === undefined ? {} : { Condition: when }),
});

import type {
  BanAnswer,
  EdgeTemplate,
  TemplateBegun,
  TemplateMistakes,
} from "#dashboards/deploys/edge-messages.ts";
import type { EdgeAnswer, FleetAnswer, TaskLog } from "#dashboards/deploys/fleet-messages.ts";
import type {
  AuditList,
  DeployDetail,
  DeployList,
  DeploySummary,
  EffectList,
  FreezeView,
  PlanAnswer,
  TrainView,
  WorkloadView,
} from "#dashboards/deploys/messages.ts";
import type {
  BanRequest,
  CommandRequest,
  FreezeRequest,
  PlanRequest,
  StartRequest,
  TemplateChangeRequest,
  TemplateRollBackRequest,
  TrainRequest,
} from "#dashboards/deploys/requests.ts";

/** Who asks; whoever calls the service has checked that they may. `key`: Idempotency-Key. */
type By = { actor: string };
type Once = By & { key?: string | undefined };

/** What the role `deploys` does for others. Each takes one value and answers with another, as they come from another process. */
export type DeploysService = {
  workloads(input: object): Promise<WorkloadView[]>;
  plan(request: PlanRequest): Promise<PlanAnswer>;
  start(request: StartRequest & Once): Promise<DeploySummary>;
  list(page: {
    workload?: string | undefined;
    /** Only deploys of these. */
    workloads?: readonly string[] | undefined;
    before?: number;
    limit: number;
  }): Promise<DeployList>;
  /** Waits until its version is higher than `after`, at most for `waitMs`. */
  deploy(which: { id: string; after?: number; waitMs?: number }): Promise<DeployDetail>;
  effects(which: { id: string }): Promise<EffectList>;
  command(
    order: CommandRequest & By & { id: string; version?: number | undefined },
  ): Promise<DeploySummary>;
  freezes(input: object): Promise<FreezeView[]>;
  freeze(request: FreezeRequest & Once): Promise<FreezeView>;
  thaw(order: By & { id: string; reason: string }): Promise<void>;
  trains(input: object): Promise<TrainView[]>;
  train(request: TrainRequest & Once): Promise<TrainView>;
  audit(page: { after: number; limit: number }): Promise<AuditList>;
  fleet(input: object): Promise<FleetAnswer>;
  taskLog(which: { task: string; container?: string | undefined }): Promise<TaskLog>;
  edge(input: object): Promise<EdgeAnswer>;
  /** The current version, unless another is asked for. */
  edgeTemplate(which: { version?: number | undefined }): Promise<EdgeTemplate>;
  checkEdgeTemplate(candidate: { text: string }): Promise<TemplateMistakes>;
  changeEdgeTemplate(change: TemplateChangeRequest & By): Promise<TemplateBegun>;
  rollBackEdgeTemplate(order: TemplateRollBackRequest & By): Promise<TemplateBegun>;
  ban(order: BanRequest & By): Promise<BanAnswer>;
};
export type Verb = keyof DeploysService;

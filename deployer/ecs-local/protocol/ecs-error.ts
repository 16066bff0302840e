/** The errors of Amazon ECS that the endpoint answers with, and those of every service of AWS. */
export type EcsErrorName =
  | "ClientException"
  | "ClusterContainsServicesException"
  | "ClusterContainsTasksException"
  | "ClusterNotFoundException"
  | "ConflictException"
  | "InvalidParameterException"
  | "ResourceNotFoundException"
  | "ServerException"
  | "ServiceNotActiveException"
  | "ServiceNotFoundException"
  | "IncompleteSignatureException"
  | "InvalidSignatureException"
  | "MissingAuthenticationTokenException"
  | "SerializationException"
  | "ThrottlingException"
  | "UnknownOperationException"
  | "UnrecognizedClientException"
  | "UnsupportedFeatureException";

/** An answer that says what is wrong with a request. The SDK throws an error with the same name and message. */
export class EcsError extends Error {
  override readonly name: EcsErrorName;
  /** Further members of the answer. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(name: EcsErrorName, message: string, members: Record<string, unknown> = {}) {
    super(message);
    this.name = name;
    this.members = members;
  }
}

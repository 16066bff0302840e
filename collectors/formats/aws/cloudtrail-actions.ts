/** What an event of CloudTrail is about, in the categories and types of ECS. */
export type Meaning = { category: string; types: readonly string[] };

const meanings = (category: string, types: string, names: string): [string, Meaning][] =>
  names.split(" ").map((name) => [name, { category, types: types.split(" ") }]);

/** By `eventName`. Other events have the type info and no category, as in Elastic's module. */
export const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ...meanings("authentication", "info", "ConsoleLogin AssumeRole"),
  ...meanings("file", "creation", "CreateBucket"),
  ...meanings("file", "deletion", "DeleteBucket"),
  ...meanings("iam", "group creation", "CreateGroup"),
  ...meanings("iam", "group deletion", "DeleteGroup"),
  ...meanings(
    "iam",
    "group change",
    "AddUserToGroup AttachGroupPolicy DeleteGroupPolicy PutGroupPolicy RemoveUserFromGroup UpdateGroup",
  ),
  ...meanings(
    "iam",
    "group info",
    "GetGroup GetGroupPolicy ListAttachedGroupPolicies ListGroupPolicies ListGroups",
  ),
  ...meanings("iam", "user creation", "CreateUser"),
  ...meanings("iam", "user deletion", "DeleteUser"),
  ...meanings(
    "iam",
    "user change",
    "AttachUserPolicy ChangePassword CreateAccessKey CreateVirtualMFADevice DeactivateMFADevice DeleteAccessKey DeleteSSHPublicKey DeleteUserPermissionsBoundary DeleteUserPolicy DeleteVirtualMFADevice DetachGroupPolicy DetachUserPolicy EnableMFADevice PutUserPermissionsBoundary PutUserPolicy TagUser UntagUser UpdateAccessKey UpdateLoginProfile UpdateSSHPublicKey UpdateUser",
  ),
  ...meanings(
    "iam",
    "user info",
    "GetUser GetUserPolicy ListAttachedUserPolicies ListGroupsForUser ListUserPolicies ListUserTags ListUsers",
  ),
  ...meanings("iam", "admin creation", "CreateKeyPair"),
  ...meanings(
    "iam",
    "admin change",
    "SetDefaultPolicyVersion SetSecurityTokenServicePreferences UpdateAccountPasswordPolicy UpdateRole",
  ),
]);

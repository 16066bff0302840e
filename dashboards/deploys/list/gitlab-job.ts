/** A job of GitLab CI that deploys a workload with a token; the same as in `docs/deploys.md`. The key is for one workload only. */
export const gitlabJob = ({ workload, url }: { workload: string; url: string }): string => `deploy:
  resource_group: production
  script:
    - quarterdeck deploy ${workload} "$CI_COMMIT_TAG" --wait --key "pipeline-$CI_PIPELINE_ID-${workload}" --url ${url}`;

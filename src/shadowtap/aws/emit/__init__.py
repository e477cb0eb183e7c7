"""emit: a plan as code, CloudFormation (JSON) or Terraform (HCL), with a collector to receive it.

A plan and a `Stack` in, text out. What the code makes is the same as what `up` would make, plus, where asked for,
the collector: instances in an auto scaling group behind an internal Network Load Balancer, or one instance. It
refuses to know accounts: everything that is not in the plan is a parameter.
"""

// Package quorum holds destructions to the approval of several people: k of n, each by an SSH
// signature over the exact text of what is to be destroyed. It needs no server: `ssh-keygen -Y
// sign` makes an approval, with a key in a file or one held by hardware, and `ssh-keygen -Y verify`
// checks it without this program.
//
// # What an approval is
//
// A [Statement] names one operation on one record of one org, the state of that record (its hash
// and LastModifiedDate) and an end. Its text is what is signed, in the namespace [Namespace], which
// no other use of SSH signatures shares. So an approval is void for another record, another org,
// another operation, after its end, and once the record has changed.
//
// # What a quorum can't do
//
// It guards against mistakes and against a lone reviewer. It does not guard against whoever
// controls the code that runs with the credentials: that code can leave this package out. Approvers
// who are configured beside the resources can be changed by whoever changes the resources; those in
// the environment of a protected runner cannot. One person with two keys counts twice.
package quorum

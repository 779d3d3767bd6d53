//! What is asked for or answered wrongly.

use super::*;

#[test]
fn what_is_missing_or_makes_no_sense_is_told() {
    let server = ReleaseServer::start();
    let context = machine(&server, Vec::new());
    assert_outcome!(announce(&context, &[]).env_remove("GITHUB_TOKEN").run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no token with which to write to the issues of owner/name

    hint: set GH_TOKEN or GITHUB_TOKEN to one that may, or see with `--dry-run` what would be done
    ");
    assert_outcome!(announce(&context, &[]).env_remove("GITHUB_REPOSITORY").run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: no repository is named whose issue it is to be

    hint: set GITHUB_REPOSITORY, or give `--repository OWNER/NAME`
    ");
    assert_outcome!(announce(&context, &["--repository", "https://github.com/owner/name"]).run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `https://github.com/owner/name` names no repository on GitHub

    hint: set GITHUB_REPOSITORY, or give `--repository OWNER/NAME`
    ");
    announce(&context, &["--repository", "../name"]).run().exited(2);
    announce(&context, &["--cells", "nowhere"]).run().exited(2);
    assert_outcome!(announce(&context, &["--offline"]).run(), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: `--offline` forbids the call to http://[SERVER]/repos/owner/name/issues?state=open&sort=created&direction=asc&per_page=100

    hint: run the command once without `--offline`
    ");
    assert!(server.requests().is_empty());
}

#[test]
fn what_github_refuses_is_told_with_what_mends_it() {
    let refused = |prepare: &dyn Fn(&ReleaseServer)| {
        let server = ReleaseServer::start();
        let context = machine(&server, Vec::new());
        prepare(&server);
        announce(&context, &[]).run()
    };
    assert_outcome!(refused(&|server| { server.fault(ISSUES, Fault::Status(410), Always); }), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/repos/owner/name/issues?state=open&sort=created&direction=asc&per_page=100 answered 410 Gone

    hint: owner/name has its issues turned off: turn them on in its settings
    ");
    assert_outcome!(refused(&|server| { server.fault(ISSUES, Fault::Status(403), Always); }), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/repos/owner/name/issues?state=open&sort=created&direction=asc&per_page=100 answered 403 Forbidden

    hint: give the token the right to write issues; in a workflow, `permissions: issues: write` does
    ");
    assert_outcome!(refused(&|server| { server.fault(ISSUES, Fault::Status(404), Always); }), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/repos/owner/name/issues?state=open&sort=created&direction=asc&per_page=100 answered 404 Not Found

    hint: check that there is a repository owner/name, and that the token may see it
    ");
    assert_outcome!(refused(&|server| { server.calls_left(0).limit_ends(1_795_400_220); }), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/repos/owner/name/issues?state=open&sort=created&direction=asc&per_page=100 takes no more calls until [TIME]

    hint: set GH_TOKEN to a GitHub token, which raises the limit, or try again after [TIME]
    ");
    assert_outcome!(refused(&|server| {
        done(&machine(server, Vec::new()));
        server.fault("/issues/1", Fault::Status(307), Always);
    }), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/repos/owner/name/issues/1 has moved, and nothing was written

    hint: name the repository as it is called now, with GITHUB_REPOSITORY or `--repository OWNER/NAME`
    ");
    // The list may be read and nothing written: then there is one try, and no second issue.
    let server = ReleaseServer::start();
    let context = machine(&server, Vec::new());
    server.calls_left(1);
    assert!(announce(&context, &[]).run().exited(3).stderr.contains("takes no more calls until"));
    assert_eq!((writes(&server), server.issues_of(REPOSITORY).len()), (1, 0));
}

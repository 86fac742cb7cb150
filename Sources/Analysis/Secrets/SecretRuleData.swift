/// The built-in rules, as data.
enum SecretRuleData {
    /// Tokens by the prefixes that their issuers gave them to be found: a rule and a ``SecretPattern`` a line.
    static let tokens = #"""
        adafruit-key            aio_[A-Za-z0-9]{28}
        age-secret-key          AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}
        airtable-token          pat[A-Za-z0-9]{14}\.[a-f0-9]{64}
        alibaba-access-key      LTAI[A-Za-z0-9]{20}
        anthropic-key           sk-ant-[A-Za-z0-9_-]{80,120}
        artifactory-token       AKCp[A-Za-z0-9]{69}
        artifactory-token       cmVmdGtu[A-Za-z0-9]{56}
        asana-token             1/[0-9]{16}:[0-9a-f]{32}
        atlassian-token         ATATT3[A-Za-z0-9_=-]{180,220}
        atlassian-token         ATCTT3[A-Za-z0-9_=-]{180,220}
        authress-key            sc_[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}\.[A-Za-z0-9+/_=-]{30,120}
        aws-access-key          AKIA[A-Z0-9]{16}
        aws-access-key          ASIA[A-Z0-9]{16}
        aws-access-key          ABIA[A-Z0-9]{16}
        aws-bedrock-key         ABSK[A-Za-z0-9+/]{109,269}={0,2}
        buildkite-token         bkua_[a-f0-9]{40}
        checkly-key             cu_[a-f0-9]{32}
        clickhouse-key          4b1d[A-Za-z0-9]{38}
        clojars-token           CLOJARS_[A-Za-z0-9]{60}
        cloudflare-origin-key   v1\.0-[a-f0-9]{24}-[a-f0-9]{146}
        codecov-token           codecov_[a-f0-9]{36}
        crates-token            cio[A-Za-z0-9]{32}
        databricks-token        dapi[a-f0-9]{32}
        digitalocean-token      dop_v1_[a-f0-9]{64}
        digitalocean-token      doo_v1_[a-f0-9]{64}
        digitalocean-token      dor_v1_[a-f0-9]{64}
        docker-token            dckr_pat_[A-Za-z0-9_-]{27}
        docker-token            dckr_oat_[A-Za-z0-9_-]{32}
        doppler-token           dp\.pt\.[A-Za-z0-9]{43}
        doppler-token           dp\.st\.[A-Za-z0-9_.-]{40,60}
        duffel-token            duffel_test_[A-Za-z0-9_=-]{43}
        duffel-token            duffel_live_[A-Za-z0-9_=-]{43}
        dynatrace-token         dt0c01\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}
        easypost-token          EZAK[A-Za-z0-9]{54}
        facebook-token          EAAM[A-Za-z0-9]{100,250}
        facebook-token          EAAC[A-Za-z0-9]{100,250}
        flutterwave-key         FLWSECK_TEST-[a-h0-9]{32}-X
        flyio-token             fo1_[\w-]{43}
        flyio-token             fm1[ar]_[A-Za-z0-9+/]{100,}={0,3}
        frameio-token           fio-u-[A-Za-z0-9_=-]{64}
        gcp-service-key         GOCSPX-[A-Za-z0-9_-]{28}
        google-api-key          AIza[A-Za-z0-9_-]{35}
        google-refresh-token    1//0[A-Za-z0-9_-]{60,150}
        github-token            ghp_[A-Za-z0-9]{36,251}
        github-token            gho_[A-Za-z0-9]{36,251}
        github-token            ghu_[A-Za-z0-9]{36,251}
        github-token            ghs_[A-Za-z0-9]{36,251}
        github-token            ghr_[A-Za-z0-9]{36,251}
        github-token            github_pat_[A-Za-z0-9_-]{60,251}
        gitlab-token            glpat-[A-Za-z0-9_-]{20,100}
        gitlab-token            gldt-[A-Za-z0-9_-]{20}
        gitlab-token            glrt-[A-Za-z0-9_-]{20,100}
        gitlab-token            glcbt-[A-Za-z0-9]{1,5}_[A-Za-z0-9_-]{20}
        gitlab-token            glptt-[a-f0-9]{40}
        gitlab-token            GR1348941[A-Za-z0-9_-]{20}
        gitlab-token            glagent-[A-Za-z0-9_-]{50}
        gitlab-token            gloas-[A-Za-z0-9_-]{64}
        gitlab-token            glsoat-[A-Za-z0-9_-]{20}
        grafana-token           glc_[A-Za-z0-9+/]{32,400}={0,3}
        grafana-token           glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}
        harness-key             pat\.[A-Za-z0-9_-]{22}\.[A-Fa-f0-9]{24}\.[A-Za-z0-9]{20}
        heroku-key              HRKU-AA[A-Za-z0-9_-]{58}
        huggingface-token       hf_[A-Za-z0-9]{34}
        huggingface-token       api_org_[A-Za-z]{34}
        infracost-token         ico-[A-Za-z0-9]{32}
        intra42-secret          s-s4t2ud-[a-f0-9]{64}
        jwt                     eyJ[A-Za-z0-9_-]{14,}\.eyJ[A-Za-z0-9_-]{14,}\.[A-Za-z0-9_-]{20,}
        linear-key              lin_api_[A-Za-z0-9]{40}
        mailgun-key             key-[a-f0-9]{32}
        mailgun-key             pubkey-[a-f0-9]{32}
        mapbox-token            pk\.[a-z0-9]{60}\.[a-z0-9]{22}
        new-relic-key           NRAK-[A-Z0-9]{27}
        new-relic-key           NRJS-[a-f0-9]{19}
        new-relic-key           NRII-[A-Za-z0-9-]{32}
        notion-token            ntn_[0-9]{11}[A-Za-z0-9]{35}
        npm-token               npm_[A-Za-z0-9]{36}
        octopus-key             API-[A-Z0-9]{26}
        openai-key              sk-proj-[A-Za-z0-9_-]{40,250}
        openai-key              sk-svcacct-[A-Za-z0-9_-]{40,250}
        openai-key              sk-admin-[A-Za-z0-9_-]{40,250}
        openai-key              sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}
        openshift-token         sha256~[\w-]{43}
        perplexity-key          pplx-[A-Za-z0-9]{48}
        planetscale-token       pscale_tkn_[\w=.-]{32,64}
        planetscale-token       pscale_pw_[\w=.-]{32,64}
        planetscale-token       pscale_oauth_[\w=.-]{32,64}
        postman-key             PMAK-[a-f0-9]{24}-[a-f0-9]{34}
        prefect-token           pnu_[A-Za-z0-9]{36}
        pulumi-token            pul-[a-f0-9]{40}
        pypi-token              pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,1000}
        readme-token            rdme_[a-z0-9]{70}
        rubygems-token          rubygems_[a-f0-9]{48}
        scalingo-token          tk-us-[\w-]{48}
        sendgrid-key            SG\.[A-Za-z0-9_.-]{66}
        sendinblue-key          xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}
        sentry-token            sntrys_[A-Za-z0-9+/=_]{60,400}
        sentry-token            sntryu_[a-f0-9]{64}
        settlemint-token        sm_aat_[A-Za-z0-9]{16}
        shippo-token            shippo_live_[a-f0-9]{40}
        shippo-token            shippo_test_[a-f0-9]{40}
        shopify-token           shpat_[A-Fa-f0-9]{32}
        shopify-token           shpca_[A-Fa-f0-9]{32}
        shopify-token           shppa_[A-Fa-f0-9]{32}
        shopify-token           shpss_[A-Fa-f0-9]{32}
        slack-token             xoxb-[A-Za-z0-9_-]{24,120}
        slack-token             xoxp-[A-Za-z0-9_-]{24,120}
        slack-token             xoxa-[A-Za-z0-9_-]{24,120}
        slack-token             xoxr-[A-Za-z0-9_-]{24,120}
        slack-token             xoxe-[A-Za-z0-9_-]{24,200}
        slack-token             xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]+
        slack-webhook           hooks\.slack\.com/services/[A-Za-z0-9+/]{43,56}
        sonarqube-token         squ_[a-z0-9]{40}
        sonarqube-token         sqp_[a-z0-9]{40}
        sonarqube-token         sqa_[a-z0-9]{40}
        sourcegraph-token       sgp_[a-fA-F0-9]{40}
        square-token            EAAA[\w-]{60}
        square-token            sq0atp-[\w-]{22}
        square-token            sq0csp-[\w-]{43}
        stripe-key              sk_live_[A-Za-z0-9]{24,247}
        stripe-key              rk_live_[A-Za-z0-9]{24,247}
        stripe-key              sk_test_[A-Za-z0-9]{24,247}
        tailscale-key           tskey-[a-z]+-[A-Za-z0-9]+-[A-Za-z0-9]{20,}
        teams-webhook           webhook\.office\.com/webhookb2/[a-f0-9@-]{73}/IncomingWebhook/[a-z0-9]{32}
        telegram-token          bot[0-9]{8,10}:A[A-Za-z0-9_-]{34}
        twilio-key              SK[a-f0-9]{32}
        vault-token             hvs\.[A-Za-z0-9_.-]{90,120}
        vault-token             hvb\.[A-Za-z0-9_.-]{138,300}
        yandex-token            t1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}
        """#

    /// Values that only the name beside them makes a secret: a rule, a part of the name in lower case, and a pattern.
    ///
    /// Names are compared without `_`, `-` and `.`.
    static let named = #"""
        aws-secret-key          secretaccesskey  [A-Za-z0-9+/]{40}
        azure-storage-key       accountkey       [A-Za-z0-9+/=]{86,88}
        bitbucket-secret        bitbucket        [A-Za-z0-9_=-]{32,64}
        cloudflare-key          cloudflare       [A-Za-z0-9_-]{37,40}
        datadog-key             datadog          [a-f0-9]{32,40}
        datadog-key             ddapikey         [a-f0-9]{32}
        discord-token           discord          [A-Za-z0-9]{24,28}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}
        dropbox-token           dropbox          [A-Za-z0-9_-]{64,}
        fastly-key              fastly           [A-Za-z0-9_-]{32}
        heroku-key              heroku           [a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}
        launchdarkly-key        launchdarkly     [A-Za-z0-9_-]{40}
        mailchimp-key           mailchimp        [a-f0-9]{32}-us\d{1,2}
        okta-token              okta             00[A-Za-z0-9_-]{40}
        snyk-token              snyk             [a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}
        twilio-key              twilioauthtoken  [a-f0-9]{32}
        twitter-token           twitter          [A-Za-z0-9]{35,50}
        """#

    /// The ends of names of secrets, in lower case and without `_`, `-` and `.`.
    static let names = [
        "password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "secretkey", "privatekey",
        "credentials", "authkey", "encryptionkey", "signingkey", "masterkey",
    ]

    /// Files that tools keep credentials in: a pattern of the name, the directory or `*`, the rule, and the ends of keys.
    ///
    /// The key `*` stands for every name of ``names``.
    static let files = """
        .npmrc                  *           npmrc-credentials       _authToken _auth _password
        .yarnrc.yml             *           npmrc-credentials       npmAuthToken npmAuthIdent
        .pypirc                 *           pypirc-credentials      password
        .env                    *           env-file                *
        .env.*                  *           env-file                *
        *.env                   *           env-file                *
        .envrc                  *           env-file                *
        credentials             .aws        aws-credentials         aws_secret_access_key aws_session_token
        config                  .aws        aws-credentials         aws_secret_access_key aws_session_token
        config                  .kube       kubeconfig-credentials  client-key-data token password id-token refresh-token
        kubeconfig              *           kubeconfig-credentials  client-key-data token password id-token refresh-token
        *.kubeconfig            *           kubeconfig-credentials  client-key-data token password id-token refresh-token
        admin.conf              kubernetes  kubeconfig-credentials  client-key-data token password
        *.tfstate               *           terraform-state         *
        *.tfstate.backup        *           terraform-state         *
        *.tfvars                *           terraform-variables     *
        *.tfvars.json           *           terraform-variables     *
        credentials.tfrc.json   *           terraform-credentials   token
        .terraformrc            *           terraform-credentials   token
        hosts.yml               gh          github-login            oauth_token
        credentials             .gem        gem-credentials         rubygems_api_key
        credentials             .cargo      cargo-credentials       token
        credentials.toml        .cargo      cargo-credentials       token
        settings.xml            .m2         maven-credentials       password passphrase
        auth.json               .composer   composer-credentials    password github.com
        application_default_credentials.json  *  gcloud-credentials  private_key refresh_token client_secret
        .s3cfg                  *           s3-credentials          secret_key
        .my.cnf                 *           mysql-credentials       password
        rclone.conf             *           rclone-credentials      pass password secret_access_key token
        """
}

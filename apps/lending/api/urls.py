"""Routes of loan products, applications, loans and their events."""

from django.urls import path

from apps.lending.api import (
    application_views,
    credit_line_views,
    event_views,
    group_views,
    loan_views,
    policy_views,
    product_views,
    securing_views,
)

app_name = "lending"

_APPLICATION = "loan-applications/<uuid:application_id>"
_LOAN = "loans/<uuid:loan_id>"
_LINE = "credit-lines/<uuid:line_id>"
_GROUP = "loan-groups/<uuid:group_id>"

urlpatterns = [
    path("loan-products", product_views.LoanProductsView.as_view(), name="products"),
    path("loan-products/<uuid:loan_product_id>", product_views.LoanProductView.as_view(), name="product"),
    path("loan-products/<uuid:loan_product_id>/terms", product_views.LoanTermsView.as_view(), name="terms"),
    path("loan-products/<uuid:loan_product_id>/preview", product_views.LoanOfferPreviewView.as_view(), name="offer"),
    path(
        "loan-products/<uuid:loan_product_id>/provision-policies",
        policy_views.ProvisionPoliciesView.as_view(),
        name="provision-policies",
    ),
    path("loan-applications", application_views.LoanApplicationsView.as_view(), name="applications"),
    path(_APPLICATION, application_views.LoanApplicationView.as_view(), name="application"),
    path(f"{_APPLICATION}/submission", application_views.LoanApplicationSubmissionView.as_view(), name="submission"),
    path(f"{_APPLICATION}/decision", application_views.LoanApplicationDecisionView.as_view(), name="decision"),
    path(
        f"{_APPLICATION}/verification",
        application_views.LoanApplicationVerificationView.as_view(),
        name="verification",
    ),
    path(f"{_APPLICATION}/documents", application_views.LoanApplicationDocumentsView.as_view(), name="documents"),
    path(f"{_APPLICATION}/withdrawal", application_views.LoanApplicationWithdrawalView.as_view(), name="withdrawal"),
    path(f"{_APPLICATION}/acceptance", application_views.LoanApplicationAcceptanceView.as_view(), name="acceptance"),
    path("loans", loan_views.LoansView.as_view(), name="loans"),
    path(_LOAN, loan_views.LoanView.as_view(), name="loan"),
    path(f"{_LOAN}/schedule", loan_views.LoanScheduleView.as_view(), name="schedule"),
    path(f"{_LOAN}/transactions", loan_views.LoanTransactionsView.as_view(), name="transactions"),
    path(f"{_LOAN}/payoff", loan_views.LoanPayoffView.as_view(), name="payoff"),
    path(f"{_LOAN}/explain", loan_views.LoanExplainView.as_view(), name="explain"),
    path(f"{_LOAN}/preview", event_views.LoanPreviewView.as_view(), name="preview"),
    path(f"{_LOAN}/disbursements", event_views.LoanDisbursementsView.as_view(), name="disbursements"),
    path(f"{_LOAN}/repayments", event_views.LoanRepaymentsView.as_view(), name="repayments"),
    path(f"{_LOAN}/closure", event_views.LoanClosureView.as_view(), name="closure"),
    path(f"{_LOAN}/changes", event_views.LoanChangesView.as_view(), name="changes"),
    path("loan-events/<uuid:event_id>/reversal", event_views.LoanEventReversalView.as_view(), name="reversal"),
    path("loan-repayments", event_views.LoanRepaymentFilesView.as_view(), name="repayment-files"),
    path(f"{_LOAN}/security", securing_views.LoanSecurityView.as_view(), name="security"),
    path(f"{_LOAN}/collateral", securing_views.LoanCollateralView.as_view(), name="collateral"),
    path(f"{_LOAN}/guarantors", securing_views.LoanGuarantorsView.as_view(), name="guarantors"),
    path(f"{_LOAN}/arrears", securing_views.LoanArrearsView.as_view(), name="arrears"),
    path(f"{_LOAN}/promises", securing_views.LoanPromisesView.as_view(), name="promises"),
    path(f"{_LOAN}/officer", policy_views.LoanOfficerView.as_view(), name="officer"),
    path(f"{_LOAN}/pauses", securing_views.LoanPausesView.as_view(), name="pauses"),
    path(
        "loan-collateral/<uuid:collateral_id>/valuations",
        securing_views.CollateralValuationsView.as_view(),
        name="valuations",
    ),
    path(
        "loan-collateral/<uuid:collateral_id>/release",
        securing_views.CollateralReleaseView.as_view(),
        name="collateral-release",
    ),
    path(
        "loan-guarantors/<uuid:guarantor_id>/release",
        securing_views.GuarantorReleaseView.as_view(),
        name="guarantor-release",
    ),
    path("credit-lines", credit_line_views.CreditLinesView.as_view(), name="credit-lines"),
    path(_LINE, credit_line_views.CreditLineView.as_view(), name="credit-line"),
    path(f"{_LINE}/decision", credit_line_views.CreditLineDecisionView.as_view(), name="credit-line-decision"),
    path(f"{_LINE}/explain", credit_line_views.CreditLineExplainView.as_view(), name="credit-line-explain"),
    path(f"{_LINE}/preview", credit_line_views.CreditLinePreviewView.as_view(), name="credit-line-preview"),
    path(f"{_LINE}/draws", credit_line_views.CreditLineDrawsView.as_view(), name="credit-line-draws"),
    path(f"{_LINE}/repayments", credit_line_views.CreditLineRepaymentsView.as_view(), name="credit-line-repayments"),
    path(f"{_LINE}/changes", credit_line_views.CreditLineChangesView.as_view(), name="credit-line-changes"),
    path("loan-groups", group_views.LoanGroupsView.as_view(), name="groups"),
    path(_GROUP, group_views.LoanGroupView.as_view(), name="group"),
    path(f"{_GROUP}/members", group_views.LoanGroupMembersView.as_view(), name="group-members"),
    path(f"{_GROUP}/departures", group_views.LoanGroupDeparturesView.as_view(), name="group-departures"),
    path(f"{_GROUP}/collections", group_views.LoanGroupCollectionsView.as_view(), name="group-collections"),
]

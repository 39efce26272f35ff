"""Routes of products, accounts and statements."""

from django.urls import path

from apps.accounts.api import (
    authority_views,
    batch_views,
    dividend_views,
    fee_views,
    money_views,
    product_views,
    term_views,
    terms_views,
    views,
)

app_name = "accounts"

urlpatterns = [
    path("account-products", product_views.ProductsView.as_view(), name="products"),
    path("account-products/<uuid:product_id>", product_views.ProductView.as_view(), name="product"),
    path("account-products/<uuid:product_id>/terms", terms_views.ProductTermsListView.as_view(), name="product-terms"),
    path(
        "account-products/<uuid:product_id>/terms/<uuid:terms_id>",
        terms_views.ProductTermsView.as_view(),
        name="product-terms-one",
    ),
    path("account-products/<uuid:product_id>/fees", terms_views.ProductFeesView.as_view(), name="product-fees"),
    path(
        "account-products/<uuid:product_id>/fees/<uuid:fee_id>/end",
        terms_views.ProductFeeEndView.as_view(),
        name="product-fee-end",
    ),
    path("accounts", views.AccountsView.as_view(), name="accounts"),
    path("accounts/<uuid:account_id>", views.AccountView.as_view(), name="account"),
    path("accounts/<uuid:account_id>/status", views.AccountStatusView.as_view(), name="status"),
    path("accounts/<uuid:account_id>/closure", views.AccountClosureView.as_view(), name="closure"),
    path("accounts/<uuid:account_id>/balance", money_views.AccountBalanceView.as_view(), name="balance"),
    path("accounts/<uuid:account_id>/interest", terms_views.AccountInterestView.as_view(), name="interest"),
    path("accounts/<uuid:account_id>/day-balance", terms_views.AccountDayBalanceView.as_view(), name="day-balance"),
    path("accounts/<uuid:account_id>/transactions", money_views.AccountTransactionsView.as_view(), name="transactions"),
    path("accounts/<uuid:account_id>/fees", fee_views.AccountFeesView.as_view(), name="fees"),
    path(
        "accounts/<uuid:account_id>/fees/<int:charge_id>/waiver",
        fee_views.FeeWaiverView.as_view(),
        name="fee-waiver",
    ),
    path("accounts/<uuid:account_id>/holds", money_views.AccountHoldsView.as_view(), name="holds"),
    path("accounts/<uuid:account_id>/statement", money_views.AccountStatementView.as_view(), name="statement"),
    path("accounts/<uuid:account_id>/holders", authority_views.HoldersView.as_view(), name="holders"),
    path(
        "accounts/<uuid:account_id>/holders/<int:holder_id>/end",
        authority_views.HolderEndView.as_view(),
        name="holder-end",
    ),
    path("accounts/<uuid:account_id>/mandate", authority_views.MandateView.as_view(), name="mandate"),
    path("accounts/<uuid:account_id>/nominee", authority_views.NomineeView.as_view(), name="nominee"),
    path("accounts/<uuid:account_id>/notes", authority_views.NotesView.as_view(), name="notes"),
    path("term-deposits", term_views.TermDepositsView.as_view(), name="term-deposits"),
    path("term-deposits/<uuid:term_deposit_id>", term_views.TermDepositView.as_view(), name="term-deposit"),
    path("term-deposits/<uuid:term_deposit_id>/break", term_views.TermDepositBreakView.as_view(), name="term-break"),
    path(
        "term-deposits/<uuid:term_deposit_id>/break-preview",
        term_views.TermDepositBreakPreviewView.as_view(),
        name="term-break-preview",
    ),
    path(
        "term-deposits/<uuid:term_deposit_id>/instalments",
        term_views.TermInstalmentsView.as_view(),
        name="term-instalments",
    ),
    path("dividends", dividend_views.DividendsView.as_view(), name="dividends"),
    path("dividends/<uuid:dividend_id>", dividend_views.DividendView.as_view(), name="dividend"),
    path("dividends/<uuid:dividend_id>/shares", dividend_views.DividendSharesView.as_view(), name="dividend-shares"),
    path("dividends/<uuid:dividend_id>/payment", dividend_views.DividendPaymentView.as_view(), name="dividend-payment"),
    path("members/<uuid:member_id>/accounts", views.MemberAccountsView.as_view(), name="member-accounts"),
    path("statements/batches", batch_views.StatementBatchesView.as_view(), name="statement-batches"),
    path("statements/batches/<uuid:batch_id>", batch_views.StatementBatchView.as_view(), name="statement-batch"),
    path(
        "statements/batches/<uuid:batch_id>/file",
        batch_views.StatementBatchFileView.as_view(),
        name="statement-batch-file",
    ),
    path("statements/verify", money_views.StatementVerifyView.as_view(), name="statement-verify"),
]

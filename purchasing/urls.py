from django.urls import path

from purchasing.views import funds, orders, papers

urlpatterns = [
    path("orders/", orders.order_list, name="orders"),
    path("orders/new/", orders.order_new, name="order_new"),
    path("orders/<slug:number>/", orders.order, name="order"),
    path("orders/<slug:number>/amend/", orders.order_amend, name="order_amend"),
    path("orders/<slug:number>/approve/", orders.order_approve, name="order_approve"),
    path("orders/<slug:number>/send-back/", orders.order_send_back, name="order_send_back"),
    path("orders/<slug:number>/step/", orders.order_step, name="order_step"),
    path("vendors/", orders.vendors, name="vendors"),
    path("invoices/", papers.invoice_list, name="invoices"),
    path("invoices/new/", papers.invoice_new, name="invoice_new"),
    path("payments/", papers.payment_list, name="payments"),
    path("payments/new/", papers.payment_new, name="payment_new"),
    path("journals/", papers.journal_list, name="journals"),
    path("journals/new/", papers.journal_new, name="journal_new"),
    path("papers/<int:entry_id>/", papers.paper, name="paper"),
    path("papers/<int:entry_id>/void/", papers.paper_void, name="paper_void"),
    path("funds/", funds.fund_list, name="funds"),
    path("funds/new/", funds.fund_new, name="fund_new"),
    path("funds/<int:fund_id>/", funds.fund, name="fund"),
    path("funds/<int:fund_id>/move/", funds.fund_move, name="fund_move"),
    path("funds/<int:fund_id>/envelope/", funds.envelope_new, name="envelope_new"),
    path("funds/<int:fund_id>/close/", funds.fund_close, name="fund_close"),
]

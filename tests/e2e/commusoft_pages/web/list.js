// The list of customers or suppliers, by AngularJS: a page of rows at a time, names lead to the records.

(() => {
  const { kind = "customer", pageSize = 50 } = PAGE.options;
  const path = (id) => kind === "supplier" ? `/suppliers/list_supplier/${id}/view/supplier_details` : `/customers/customer_list/${id}/view_v2/property/view`;
  angular.module("commusoft", []).controller("List", ["$scope", function ($scope) {
    const rows = backend.records(kind).map(([id, record]) => ({ ...record, number: id.split("-")[1], title: backend.title(record) }));
    Object.assign($scope, { page: 0, last: Math.ceil(rows.length / pageSize) - 1, path });
    $scope.shown = () => rows.slice($scope.page * pageSize, ($scope.page + 1) * pageSize);
    $scope.move = (by) => { $scope.page += by; };
  }]);
  const app = document.querySelector("#app");
  app.setAttribute("ng-controller", "List");
  app.innerHTML = `<h1>Customers</h1><table class="table"><thead><tr><th>Customer Name</th><th>Address Line 1</th><th>Town</th><th>Postcode</th><th>Email</th><th>Mobile</th></tr></thead>
    <tbody><tr ng-repeat="row in shown() track by row.number"><td><a ng-href="{{ path(row.number) }}">{{ row.title }}</a></td><td>{{ row.line1 }}</td>
    <td>{{ row.town }}</td><td>{{ row.postcode }}</td><td>{{ row.email }}</td><td>{{ row.mobile }}</td></tr></tbody></table>
    <a href="" ng-click="move(-1)" ng-show="page > 0">Previous</a> <a href="" ng-click="move(1)" ng-show="page < last">Next</a>`;
  angular.bootstrap(app, ["commusoft"]);
})();

window.commusoftModel = () => null;
